/** What an end of the listener means for the next registration. */
export interface ListenerExit {
  meaning: string;
  /** `register`: at once. `back-off`: after a wait that grows with every such end. `stop`: no other runner from this image. */
  next: "register" | "back-off" | "stop";
}

/** Reads the exit code of Runner.Listener (actions/runner, Constants.cs), or the signal that ended it. */
export function judgeListenerExit(exitCode: number | null, signal: string | null): ListenerExit {
  switch (exitCode) {
    case 0:
      return { meaning: "its one job is done, or the runner was removed while idle", next: "register" };
    case 1:
      return { meaning: "it could not start or its registration was refused or deleted", next: "back-off" };
    case 2:
      return { meaning: "it failed with an error it calls retryable", next: "back-off" };
    case 3:
    case 4:
      return {
        meaning: "it wanted to update itself: build the image with a newer runnerVersion",
        next: "back-off",
      };
    case 5:
      return { meaning: "another session uses the same registration", next: "back-off" };
    case 7:
      return {
        meaning: "GitHub refuses this version of the runner: build the image with a newer runnerVersion",
        next: "stop",
      };
    case null:
      return { meaning: `it was ended by ${signal ?? "an unknown signal"}`, next: "back-off" };
    default:
      return { meaning: "this exit code is not known", next: "back-off" };
  }
}
