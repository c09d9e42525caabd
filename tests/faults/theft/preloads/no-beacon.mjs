// A supervisor that lights no beacon.
import net from "node:net";

const { listen } = net.Server.prototype;
net.Server.prototype.listen = function (options, listening, ...rest) {
  if (!options?.path?.startsWith("\0")) return listen.call(this, options, listening, ...rest);
  listening();
  return this;
};
