/** The server's idea of the time: the machine's clock plus what tests added. */
export class Clock {
  private offset = 0;

  /** Milliseconds since the epoch. */
  now(): number {
    return Date.now() + this.offset;
  }

  iso(): string {
    return new Date(this.now()).toISOString();
  }

  advance(milliseconds: number): void {
    this.offset += milliseconds;
  }
}
