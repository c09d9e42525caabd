#!/bin/sh
# GitHub's runner runs this before the first step of a job (ACTIONS_RUNNER_HOOK_JOB_STARTED). It tells the supervisor
# which job this is, for the logs: the listener prints only the job's name. It must never fail, because the job would.
file="${DIGDAG_RUNNER_JOB_FILE:-/dev/null}"
printf '%s\n' "$GITHUB_REPOSITORY" "$GITHUB_WORKFLOW" "$GITHUB_JOB" "$GITHUB_RUN_ID" "$GITHUB_RUN_ATTEMPT" > "$file" || true
echo "This is runner $RUNNER_NAME; it deploys to Digdag at $DIGDAG_ENDPOINT."
exit 0
