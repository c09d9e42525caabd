/** Sends text in order, in pieces of what came together within a short while. */
export class Upload {
  private buffered = "";
  private timer?: NodeJS.Timeout;
  private sent: Promise<unknown> = Promise.resolve();

  constructor(private readonly send: (text: string) => Promise<unknown>) {}

  write(text: string): void {
    this.buffered += text;
    this.timer ??= setTimeout(() => this.flush(), 100);
  }

  /** Resolves when everything was sent; a piece that could not be is dropped. */
  async end(): Promise<void> {
    this.flush();
    await this.sent;
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const text = this.buffered;
    this.buffered = "";
    if (text) this.sent = this.sent.then(() => this.send(text)).catch(() => undefined);
  }
}
