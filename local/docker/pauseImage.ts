import { basename, dirname, join } from "node:path";
import { sandboxImage } from "../kubernetes/containerd";
import { stateDir } from "../lib/paths";
import { type Report, run } from "../lib/run";
import { docker } from "./daemon";
import { isInRegistry } from "./registry";

/**
 * Puts the image that holds a Pod's namespaces into the registry: one static program and nothing else.
 * @param options.pause the program that `buildKubernetes` made
 */
export async function ensurePauseImage(options: { pause: string; report: Report }): Promise<void> {
  if (await isInRegistry("pause", "1")) return;
  const { pause, report } = options;
  report("Pod sandbox image");
  const archive = join(stateDir, "pause.tar");
  await run("tar", ["--create", `--file=${archive}`, `--directory=${dirname(pause)}`, basename(pause)]);
  const image = await sandboxImage();
  await docker(["import", "--change", 'ENTRYPOINT ["/pause"]', archive, image]);
  await docker(["push", image]);
}
