// A supervisor that tells the broker any result of a job that the listener prints.
import childProcess from "node:child_process";
import net from "node:net";

let printed;
const { spawn } = childProcess;
childProcess.spawn = (...args) => {
  const child = spawn(...args);
  child.stdout?.on("data", (text) => {
    printed = / completed with result: (\w+)/.exec(String(text))?.[1] ?? printed;
  });
  return child;
};

const { write } = net.Socket.prototype;
net.Socket.prototype.write = function (text, ...rest) {
  const told = String(text).includes('"event":"completed"');
  return write.call(this, told ? text.replace(/"result":"\w+"/, `"result":"${printed}"`) : text, ...rest);
};
