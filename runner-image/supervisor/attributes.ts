import { execFile } from "node:child_process";
import { promisify } from "node:util";

/**
 * Of the directories given as arguments. getfattr writes line ends, `=` and backslashes of a name as \ooo, as printf reads them
 * again; only `%` would mean something else there. The last line fails when attributes are left.
 */
const REMOVE_ATTRIBUTES = `
set -e
command -v getfattr setfattr grep >/dev/null
for directory; do
  getfattr --absolute-names -- "$directory" | while IFS= read -r line; do
    case $line in user.*)
      name=$(printf "$(printf %s "$line" | sed s/%/%%/g)x")
      setfattr --remove="\${name%x}" -- "$directory" ;;
    esac
  done
done
! getfattr --absolute-names -- "$@" | grep --quiet --text "^user[.]"`;

/**
 * Removes the extended attributes of directories that stay when they are emptied, as mount points do: who may write to a
 * directory may also give it attributes, of some kilobytes. A directory that does not exist is left out.
 * Throws when some remain.
 */
export async function removeAttributes(directories: string[]): Promise<void> {
  await promisify(execFile)("sh", ["-c", REMOVE_ATTRIBUTES, "sh", ...directories]);
}
