// Runs an expression in the program whose debugger listens on a port of loopback, and prints its value. `leaseKey` is found in
// the heap. Speaks the Chrome DevTools Protocol.
const [port, wanted] = process.argv.slice(2);

async function main() {
  const targets = await (await fetch(`http://127.0.0.1:${port}/json/list`, { signal: AbortSignal.timeout(2000) })).json();
  const socket = new WebSocket(targets[0].webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error("the debugger takes no connection"));
  });
  const answers = new Map();
  socket.onmessage = ({ data }) => {
    const { id, result, error } = JSON.parse(data);
    answers.get(id)?.(error ? { error } : result);
  };
  let last = 0;
  const call = (method, params) =>
    new Promise((resolve) => {
      const id = ++last;
      answers.set(id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
    });
  if (wanted !== "leaseKey") {
    const expression = `(() => { const require = process.mainModule.require.bind(process.mainModule); return ${wanted}; })()`;
    return (await call("Runtime.evaluate", { expression, returnByValue: true })).result?.value;
  }
  const expression = 'process.mainModule.require("node:events").prototype';
  const prototype = (await call("Runtime.evaluate", { expression })).result.objectId;
  const { objects } = await call("Runtime.queryObjects", { prototypeObjectId: prototype });
  const functionDeclaration = "function () { return this.map(({ key }) => key).filter((key) => typeof key === 'string').join(' '); }";
  return (await call("Runtime.callFunctionOn", { objectId: objects.objectId, functionDeclaration, returnByValue: true })).result?.value;
}

main().then(
  (value) => {
    console.log(value);
    process.exit(0);
  },
  (error) => {
    console.error(error.cause?.message ?? error.message);
    process.exit(1);
  },
);
