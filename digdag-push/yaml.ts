import * as path from "node:path";
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type ScalarTag,
  type YAMLMap,
} from "yaml";
import { type Problem, printable } from "./errors";

/** What YAML stands for; mappings keep the order of their keys. */
export type Value = string | number | boolean | null | Value[] | Config;
export interface Config {
  [key: string]: Value;
}

/** Where a key was written: an included file's keys are in that file. */
export interface Place {
  file: string;
  line: number;
  column: number;
}

/** A file as Digdag loads it, includes merged in. */
export interface Loaded {
  /** Absent when the file is no mapping. */
  config?: Config;
  problems: Problem[];
  /** Place of a key of any mapping inside `config`. */
  placeOf(mapping: Config, key: string): Place | undefined;
}

// Digdag's resolver (YamlTagResolver of 0.10): YAML 1.1, but 07:00:00 stays text, as do yes, no, dates and 0.5.
const tag = (name: string, test: RegExp, resolve: (text: string) => unknown): ScalarTag => ({
  tag: `tag:yaml.org,2002:${name}`,
  default: true,
  test,
  resolve,
});
const TAGS: ScalarTag[] = [
  tag("null", /^(?:~|null|Null|NULL|)$/, () => null),
  tag("bool", /^(?:[Tt]rue|[Ff]alse)$/, (text) => /^t/i.test(text)),
  tag("int", /^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+)$/, readInteger),
  tag(
    "float",
    /^(?:[-+]?(?:\.[0-9]+|[1-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
    readFloat,
  ),
  // A key `!include : FILE` may stand several times in one mapping.
  { tag: "!include", resolve: (text) => text },
];
const INCLUDE = "!include";

function readInteger(text: string): number {
  const [, sign, digits = ""] = /^([-+]?)(.*)$/.exec(text.replaceAll("_", "")) ?? [];
  const octal = /^0[0-7]+$/.test(digits);
  return Number(octal ? `0o${digits.slice(1)}` : digits) * (sign === "-" ? -1 : 1);
}

function readFloat(text: string): number {
  const word = /^([-+]?)\.(inf|nan)$/i.exec(text);
  if (word === null) {
    // 190:20:30.15 counts by sixties; a time such as 07:00:00 has no point and stays text.
    const [sign, digits] = /^[-+]/.test(text) ? [text[0], text.slice(1)] : ["", text];
    const parts = digits.replaceAll("_", "").split(":").map(Number);
    return parts.reduce((sum, part) => sum * 60 + part, 0) * (sign === "-" ? -1 : 1);
  }
  return /nan/i.test(text) ? Number.NaN : word[1] === "-" ? -Infinity : Infinity;
}

/** More than this is no workflow, but aliases that multiply. */
const MOST_NODES = 200_000;

/**
 * Loads a file as Digdag does: duplicate keys are errors, and a key `!include : FILE` merges that file, which is looked
 * for from the folder of the including file and must not lie above it.
 *
 * @param files text by path, of everything that is uploaded
 */
export function loadYaml(file: string, files: ReadonlyMap<string, string>): Loaded {
  const loader = new Loader(files);
  const config = loader.load(file, []);
  return {
    config,
    problems: loader.problems,
    placeOf: (mapping, key) => loader.places.get(mapping)?.get(key),
  };
}

interface Source {
  file: string;
  document: Document;
  lines: LineCounter;
  /** Files that include this one, outermost first. */
  parents: readonly string[];
}

class Loader {
  readonly problems: Problem[] = [];
  readonly places = new WeakMap<Config, Map<string, Place>>();
  private readonly anchors = new Map<Alias, Node | null>();
  private nodes = 0;

  constructor(private readonly files: ReadonlyMap<string, string>) {}

  load(file: string, parents: readonly string[]): Config | undefined {
    const text = this.files.get(file) ?? "";
    const lines = new LineCounter();
    const document = parseDocument(text, {
      schema: "failsafe",
      customTags: (tags) => [...tags, ...TAGS],
      lineCounter: lines,
      prettyErrors: false,
      // Seen below: the parser compares every key with every other.
      uniqueKeys: false,
    });
    const before = this.problems.length;
    for (const { pos, message } of document.errors)
      this.problems.push({ file, ...position(lines, pos[0]), message });
    if (this.problems.length > before) return undefined;
    if (!isMap(document.contents)) {
      this.problems.push({
        file,
        line: 1,
        message: "is not a mapping; a workflow file needs keys such as +task:",
      });
      return undefined;
    }
    return this.mapping(document.contents, { file, document: document as Document, lines, parents });
  }

  private value(node: Node | null, source: Source): Value {
    if (++this.nodes > MOST_NODES) return null;
    if (this.nodes === MOST_NODES)
      this.problems.push({ file: source.file, line: 1, message: "grows beyond all bounds by its aliases" });
    if (isAlias(node)) return this.value(this.anchored(node, source), source);
    if (isMap(node)) return this.mapping(node, source);
    if (isSeq(node)) return node.items.map((item) => this.value(item as Node, source));
    if (!isScalar(node)) return null;
    if (node.tag === INCLUDE) {
      this.problem(node, source, "!include is a key of its own: write `!include : 'FILE'`");
    }
    return node.value as Value;
  }

  /** What an alias stands for; to find it takes a walk through the whole file. */
  private anchored(alias: Alias, source: Source): Node | null {
    if (!this.anchors.has(alias)) this.anchors.set(alias, alias.resolve(source.document) ?? null);
    return this.anchors.get(alias) ?? null;
  }

  private mapping(map: YAMLMap, source: Source): Config {
    const config: Config = {};
    const places = new Map<string, Place>();
    const own = new Set<string>();
    this.places.set(config, places);
    for (const [index, { key, value }] of (map.items as Pair<Node, Node | null>[]).entries()) {
      // Where such a key comes first in a nested mapping, the parser takes its tag for that of the mapping.
      const taggedMap = index === 0 && map.tag === INCLUDE && isScalar(key) && key.value === null;
      if (taggedMap || (isScalar(key) && key.tag === INCLUDE)) {
        this.include(value, key, source, config);
      } else if (isScalar(key) && key.value === "<<") {
        const merged = this.value(value, source);
        for (const one of Array.isArray(merged) ? merged : [merged]) this.inherit(config, one);
      } else {
        const name = isScalar(key) ? String(key.value) : String(key);
        if (own.has(name)) this.problem(key, source, `the key ${printable(name, 80)} appears twice`);
        own.add(name);
        config[name] = this.value(value, source);
        places.set(name, { file: source.file, ...position(source.lines, key.range?.[0] ?? 0) });
      }
    }
    return config;
  }

  /** `<<`: what the mapping itself says wins. */
  private inherit(config: Config, from: Value): void {
    if (!isConfig(from)) return;
    for (const [key, value] of Object.entries(from)) {
      if (Object.hasOwn(config, key)) continue;
      config[key] = value;
      this.copyPlace(from, config, key);
    }
  }

  private include(value: Node | null, key: Node, source: Source, into: Config): void {
    const name = isScalar(value) ? String(value.value) : "";
    const folder = path.posix.dirname(source.file);
    const file = path.posix.join(folder, name);
    if (folder !== "." ? !file.startsWith(`${folder}/`) : file.startsWith("../")) {
      this.problem(
        key,
        source,
        `includes ${printable(name)}, which lies above this file; Digdag refuses that`,
      );
    } else if (!this.files.has(file)) {
      this.problem(
        key,
        source,
        `includes ${printable(file)}, which is not part of the upload; the path starts at the folder of this file`,
      );
    } else if (source.file === file || source.parents.includes(file)) {
      this.problem(key, source, `includes ${printable(file)}, which includes this file`);
    } else {
      this.merge(into, this.load(file, [...source.parents, source.file]) ?? {});
    }
  }

  /** As Digdag merges an included file: it wins over what stands above it, mapping by mapping. */
  private merge(into: Config, from: Config): void {
    for (const [key, value] of Object.entries(from)) {
      const present = into[key];
      if (isConfig(present) && isConfig(value)) this.merge(present, value);
      else {
        into[key] = value;
        this.copyPlace(from, into, key);
      }
    }
  }

  private copyPlace(from: Config, to: Config, key: string): void {
    const place = this.places.get(from)?.get(key);
    if (place !== undefined) this.places.get(to)?.set(key, place);
  }

  private problem(node: Node, source: Source, message: string): void {
    this.problems.push({ file: source.file, ...position(source.lines, node.range?.[0] ?? 0), message });
  }
}

/** Whether the value is a mapping. */
export function isConfig(value: unknown): value is Config {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function position(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}
