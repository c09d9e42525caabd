// A broker that takes a beacon that it cannot ask for one that is dark.
import net from "node:net";

const { emit } = net.Socket.prototype;
net.Socket.prototype.emit = function (event, error, ...rest) {
  if (event === "error" && error.code === "EAGAIN") error.code = "ECONNREFUSED";
  return emit.call(this, event, error, ...rest);
};
