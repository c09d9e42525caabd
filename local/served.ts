import { digdagUrl } from "./services";
import type { Served } from "./story";

async function get<T>(url: string): Promise<T> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as T;
}

interface Schedules {
  schedules: { workflow: { name: string }; nextRunTime: string }[];
}

/** What a stack's Digdag serves for a project, asked behind the load balancer; undefined when it has no such project. */
export async function served(stack: string, name: string): Promise<Served | undefined> {
  const api = `${digdagUrl(stack)}/api/projects`;
  const { projects } = await get<{ projects: (Served & { id: string })[] }>(
    `${api}?name=${encodeURIComponent(name)}`,
  );
  const project = projects[0];
  if (!project) return undefined;
  const { schedules } = await get<Schedules>(`${api}/${project.id}/schedules`);
  return {
    revision: project.revision,
    archiveMd5: project.archiveMd5,
    schedules: schedules.map(({ workflow, nextRunTime }) => ({ workflow: workflow.name, nextRunTime })),
  };
}
