export { buildBaseImage } from "./baseImage";
export { docker, dockerEnvironment, startDocker, stopDocker } from "./daemon";
export { ensurePauseImage } from "./pauseImage";
export { startRegistry } from "./registry";
