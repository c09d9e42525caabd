// A program that leaves SIGUSR1 to Node's inspector.
const { on } = process;
process.on = function (event, ...rest) {
  return event === "SIGUSR1" ? this : on.call(this, event, ...rest);
};
