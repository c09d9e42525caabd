export { type Digdag, type DigdagOptions, type Fault, type SeenRequest, startDigdag } from "./server";
