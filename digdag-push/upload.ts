import type { Archive } from "./archive";
import type { DigdagApi, ServedProject } from "./digdagApi";
import { EXIT, messageOf, PushError } from "./errors";
import { RequestFailure } from "./http";
import { RETRIES } from "./limits";

export interface Upload {
  project: string;
  revision: string;
  archive: Archive;
}

/**
 * Adds the archive as a revision. Returns once Digdag was seen to hold it, be it from this request, from one whose answer was lost, or from an earlier run of the same job.
 *
 * @throws PushError when Digdag refuses it or its fate is unknown; RequestFailure when no request can have arrived
 */
export async function upload(push: Upload, api: DigdagApi): Promise<void> {
  let arrived = false;
  for (let attempt = 0; ; attempt++) {
    let failure: RequestFailure;
    try {
      await api.push(push.project, push.revision, push.archive.bytes);
      return;
    } catch (error) {
      if (!(error instanceof RequestFailure)) throw error;
      failure = error;
    }
    arrived ||= failure.mayHaveArrived;
    if (failure.layer === "auth" || isClientError(failure)) {
      if (failure.status === 409 && (await hasLanded(push, api, failure))) return;
      throw refused(push, failure);
    }
    // A broken answer says nothing about the push: ask before sending it again.
    if (arrived && (await hasLanded(push, api, failure))) return;
    // Sending again is safe even while the first request is still at work: Digdag takes a revision name once.
    const again = failure.passes || (failure.code === "TIMEOUT" && failure.layer === "HTTP");
    if (!again || attempt === RETRIES) throw arrived ? notLanded(push, failure) : failure;
    await api.pause(attempt);
  }
}

function isClientError({ status }: RequestFailure): boolean {
  return status !== undefined && status >= 300 && status < 500;
}

/** Whether Digdag holds the revision with our bytes; that it is also the latest is for the verification to see. */
async function hasLanded(push: Upload, api: DigdagApi, failure: RequestFailure): Promise<boolean> {
  let latest: ServedProject | undefined;
  let known: { archiveMd5: string | null } | undefined;
  try {
    latest = await api.project(push.project);
    if (latest?.revision === push.revision) known = latest;
    else known = latest && (await api.revision(latest.id, push.revision));
  } catch (error) {
    throw unknownFate(push, failure, error);
  }
  if (latest === undefined || known === undefined) return false;
  if (known.archiveMd5 !== push.archive.md5) throw nameTaken(push);
  return true;
}

function nameTaken(push: Upload): PushError {
  return new PushError(
    EXIT.failed,
    `revision ${push.revision} of ${push.project} exists in Digdag with other content, and Digdag never replaces a revision`,
    {
      advice:
        "The files differ from those pushed under this name before (a build step, or another tool that packs differently). " +
        `Push under another name: --revision ${push.revision}-2.`,
    },
  );
}

function refused(push: Upload, failure: RequestFailure): Error {
  if (failure.layer === "auth" || (failure.status ?? 0) < 400 || failure.status === 404) return failure;
  return new PushError(
    EXIT.failed,
    `Digdag refused revision ${push.revision} of ${push.project}: ${failure.message}`,
    {
      advice: "The former revision is still served. Correct what the message names and push again.",
      cause: failure,
    },
  );
}

function notLanded(push: Upload, failure: RequestFailure): PushError {
  return new PushError(
    EXIT.failed,
    `the push of revision ${push.revision} of ${push.project} failed, layer ${failure.layer}: ${failure.message}`,
    {
      advice: "Digdag did not hold the revision when asked afterwards. Running the job again is safe.",
      cause: failure,
    },
  );
}

function unknownFate(push: Upload, failure: RequestFailure, error: unknown): PushError {
  return new PushError(
    EXIT.failed,
    `revision ${push.revision} of ${push.project} was sent, but whether it arrived is unknown: ${failure.message}; then ${messageOf(error)}`,
    { advice: "Running the job again is safe: it asks Digdag first.", cause: failure },
  );
}
