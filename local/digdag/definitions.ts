import { posix } from "node:path";
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";
import { parseDocument } from "yaml";
import { nextRun } from "./schedule";
import { wallTime } from "./zonedTime";

/** Digdag's default for uploads, and for the files in them together. */
export const ARCHIVE_LIMIT = 2 * 1024 * 1024;

/** A request the server answers with 400 and this message. */
export class BadRequest extends Error {}

/** A workflow as the server stores it. */
export interface Definition {
  name: string;
  timezone: string;
  config: Record<string, unknown>;
}

/**
 * Reads the workflows out of an uploaded archive, with the checks Digdag makes.
 *
 * @throws BadRequest
 */
export async function readDefinitions(archive: Buffer, now: Date): Promise<Definition[]> {
  const files = await unpack(archive);
  const definitions: Definition[] = [];
  for (const [path, text] of files) {
    const name = /^(?:\.\/)?([^/]+)\.dig$/.exec(path)?.[1];
    if (name === undefined) continue;
    if (/^[0-9+^@/\\:*?"<>|]/.test(name))
      throw new BadRequest(
        `Validating workflow failed: name: ${name} starts with a character that is not allowed`,
      );
    definitions.push(define(name, loadYaml(path, text, files), now));
  }
  return definitions;
}

async function unpack(archive: Buffer): Promise<Map<string, string>> {
  if (archive[0] !== 0x1f || archive[1] !== 0x8b) throw new BadRequest("Input is not in the .gz format");
  const files = new Map<string, string>();
  let total = 0;
  const reader = extract();
  try {
    reader.end(gunzipSync(archive, { maxOutputLength: 64 * ARCHIVE_LIMIT }));
    for await (const entry of reader) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      if (entry.header.type === "directory") continue;
      // As the real server does, a link counts as an empty file here.
      const content = Buffer.concat(chunks);
      total += content.length;
      files.set(entry.header.name, content.toString("utf8"));
    }
  } catch (error) {
    throw new BadRequest(`Archive cannot be read: ${(error as Error).message}`);
  }
  if (total > ARCHIVE_LIMIT)
    throw new BadRequest(`Total size of the archive exceeds limit (${total} > ${ARCHIVE_LIMIT} bytes)`);
  return files;
}

/** YAML as Digdag reads it: duplicate keys are errors, and a key `!include : FILE` merges the file it names. */
function loadYaml(
  path: string,
  text: string,
  files: ReadonlyMap<string, string>,
  depth = 0,
): Record<string, unknown> {
  // As Digdag does, each such key becomes one of its own, so that several may stand in one mapping.
  let count = 0;
  const source = text.replace(
    /^([ \t]*(?:- +)?)!include[ \t]*:/gm,
    (_, indent) => `${indent}"!include:${++count}":`,
  );
  const document = parseDocument(source, { merge: true });
  const [error] = document.errors;
  if (error)
    throw new BadRequest(`Validating project failed: ${path}: ${error.message.replace(/\s+/g, " ")}`);
  const value = document.toJS({ mapAsMap: false });
  if (!isMapping(value)) throw new BadRequest(`Validating project failed: ${path}: expected a mapping`);
  const include = (name: string) => {
    const included = posix.join(posix.dirname(path), name);
    const content = files.get(included) ?? files.get(`./${included}`);
    if (content === undefined || depth > 8)
      throw new BadRequest(`Validating project failed: ${path}: cannot include ${included}`);
    return loadYaml(included, content, files, depth + 1);
  };
  return mergeIncludes(value, include) as Record<string, unknown>;
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** An included file wins over what stands above it, mapping by mapping. */
function mergeIncludes(value: unknown, include: (name: string) => Record<string, unknown>): unknown {
  if (Array.isArray(value)) return value.map((item) => mergeIncludes(item, include));
  if (!isMapping(value)) return value;
  const merged: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (key.startsWith("!include:")) mergeInto(merged, include(String(item)));
    else merged[key] = mergeIncludes(item, include);
  }
  return merged;
}

function mergeInto(target: Record<string, unknown>, source: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(source)) {
    const present = target[key];
    if (isMapping(present) && isMapping(value)) mergeInto(present, value);
    else target[key] = value;
  }
}

function define(name: string, config: Record<string, unknown>, now: Date): Definition {
  const { timezone = "UTC", ...rest } = config;
  const definition = { name, timezone: String(timezone), config: rest };
  try {
    wallTime(now, definition.timezone);
    scheduleOf(definition, now);
  } catch (error) {
    throw new BadRequest(`Validating workflow ${name} failed: ${(error as Error).message}`);
  }
  return definition;
}

/** The next run of a definition with a schedule, undefined without one. */
export function scheduleOf(
  { config, timezone }: Definition,
  from: Date,
): ReturnType<typeof nextRun> | undefined {
  const { schedule } = config;
  if (schedule === undefined || schedule === null) return undefined;
  if (typeof schedule !== "object") throw new BadRequest("schedule: must be a mapping");
  return nextRun(schedule as Record<string, unknown>, timezone, from);
}
