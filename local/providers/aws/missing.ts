/** The result of `action`, or undefined when it fails with an AWS error of that name (or one of them). */
export async function unlessMissing<T>(
  names: string | string[],
  action: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof Error && [names].flat().includes(error.name)) {
      return undefined;
    }
    throw error;
  }
}
