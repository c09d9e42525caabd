import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

/** Workflows for projects. */
export const DAILY = "timezone: Asia/Tokyo\nschedule:\n  daily>: 07:00:00\n+hello:\n  echo>: hello\n";
export const MANUAL = "+hello:\n  echo>: hello\n";

/** A tar.gz of files, by path. */
export async function archive(files: Record<string, string | Buffer>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}
