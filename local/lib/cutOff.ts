import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** Ends a connection without a word: with a reset, or over TLS, where Node has none, with the end of the stream. */
export function cutOff(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
