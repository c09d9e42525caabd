// A supervisor that gives its connection up as soon as a job runs, and does not come back while it does.
import net from "node:net";

const { connect } = net;
let away = false;
net.connect = (...args) => {
  if (away) return connect("/nowhere");
  const socket = connect(...args);
  const { write } = socket;
  socket.write = (text, ...rest) => {
    if (/"type":"job".*"started"/.test(String(text))) {
      away = true;
      setTimeout(() => socket.destroy(), 500);
    }
    return write.call(socket, text, ...rest);
  };
  return socket;
};
