import { createHash } from "node:crypto";
import * as zlib from "node:zlib";
import { extract, pack } from "tar-stream";
import { EXIT, PushError } from "./errors";
import { ARCHIVE_LIMIT } from "./limits";
import { type ProjectEntry, sortByPath } from "./project";

/** A project as it is uploaded. */
export interface Archive {
  bytes: Buffer;
  /** Base64, as Digdag's `archiveMd5`. */
  md5: string;
}

/**
 * Packs the entries as tar.gz. The bytes depend on paths, contents, link targets and the owner's execute bit alone, so
 * every machine makes the same archive of the same commit and its md5 identifies the content.
 *
 * @throws PushError (exit code 2) when the archive is larger than Digdag accepts.
 */
export async function buildArchive(entries: readonly ProjectEntry[]): Promise<Archive> {
  const tar = await tarOf(entries);
  const bytes = compress(tar);
  if (bytes.length > ARCHIVE_LIMIT) {
    throw new PushError(
      EXIT.refused,
      `the archive has ${bytes.length} bytes, more than Digdag accepts (${ARCHIVE_LIMIT})`,
      { advice: "Exclude what workflows do not need in .digdagignore." },
    );
  }
  return { bytes, md5: createHash("md5").update(bytes).digest("base64") };
}

async function tarOf(entries: readonly ProjectEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const entry of sortByPath(entries)) {
    const common = { name: entry.path, mtime: new Date(0), uid: 0, gid: 0, uname: "", gname: "" };
    if (entry.kind === "file") {
      tar.entry({ ...common, type: "file", mode: entry.executable ? 0o755 : 0o644 }, entry.content);
    } else {
      tar.entry({ ...common, type: "symlink", mode: 0o777, linkname: entry.target });
    }
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/**
 * zlib's match finder gives different bytes on different processors (its hash uses their CRC instructions). Z_RLE does
 * not use it: Node's zlib and the stock one give equal bytes. Text still shrinks by a third, and the padding of tar vanishes. Only when that is too large for Digdag is
 * full compression used, and the bytes are then the same per processor type only.
 */
function compress(tar: Buffer): Buffer {
  const portable = gzip(tar, zlib.constants.Z_RLE);
  return portable.length <= ARCHIVE_LIMIT ? portable : gzip(tar, zlib.constants.Z_DEFAULT_STRATEGY);
}

function gzip(data: Buffer, strategy: number): Buffer {
  const bytes = zlib.gzipSync(data, { level: 9, memLevel: 9, strategy });
  // Byte 9 names the operating system it was packed on: 255 is "unknown".
  bytes[9] = 0xff;
  return bytes;
}

/** What an archive says of one path, comparable with `===`. */
export type Fingerprint = string;

/** The same entry gives the same text, and another one another. */
export function fingerprint(entry: ProjectEntry): Fingerprint {
  if (entry.kind === "link") return `link ${entry.target}`;
  const hash = createHash("sha256").update(entry.content).digest("hex");
  return `${entry.executable ? "program" : "file"} ${hash}`;
}

/** Far beyond what Digdag takes, so that a hostile archive cannot fill the memory. */
const UNPACKED_LIMIT = 32 * ARCHIVE_LIMIT;

/** Reads an archive that somebody pushed, be it with this program or another. Throws Error where it is none. */
export async function readArchive(bytes: Buffer): Promise<Map<string, Fingerprint>> {
  const reader = extract();
  reader.end(zlib.gunzipSync(bytes, { maxOutputLength: UNPACKED_LIMIT }));
  const found = new Map<string, Fingerprint>();
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const { name, type, linkname, mode = 0 } = entry.header;
    const path = name.replace(/^\.\//, "");
    if (type === "symlink") found.set(path, fingerprint({ kind: "link", path, target: linkname ?? "" }));
    if (type !== "file") continue;
    const content = Buffer.concat(chunks);
    found.set(path, fingerprint({ kind: "file", path, executable: (mode & 0o100) !== 0, content }));
  }
  return found;
}
