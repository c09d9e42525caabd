/** Digdag's limit in bytes for the upload and for the unpacked sum (`api.max_archive_total_size_limit`). */
export const ARCHIVE_LIMIT = 2 * 1024 * 1024;

/** How long things may take, in milliseconds. */
export interface Limits {
  /** Each of name lookup, connecting and the TLS handshake: a dropped packet is reported after this time. */
  connect: number;
  /** From a request to the end of its answer, for reads. */
  read: number;
  /** The same for the push, which the server validates and stores before it answers. */
  push: number;
  /** Asking for the address this machine leaves from, after a failure. */
  egress: number;
  /** Pause before the first repetition; doubles with every further one. */
  retryPause: number;
}

export const DEFAULT_LIMITS: Limits = {
  connect: 10_000,
  read: 30_000,
  push: 45_000,
  egress: 3_000,
  retryPause: 500,
};

/** Repetitions of one request that failed in a way that passes. */
export const RETRIES = 3;

/** Default of `--timeout`, in seconds. */
export const DEFAULT_TIMEOUT_SECONDS = 120;
