import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Numbers that look random and are the same for the same seed. */
export class Random {
  private readonly generator: ReturnType<typeof xoroshiro128plus>;

  constructor(seed: number) {
    this.generator = xoroshiro128plus(seed);
  }

  /** From `low` up to, and without, `high`. */
  between(low: number, high: number): number {
    return low + (high - low) * uniformFloat64(this.generator);
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return uniformInt(this.generator, low, high);
  }

  /** The same things in another order. */
  shuffled<T>(things: readonly T[]): T[] {
    const result = [...things];
    for (let last = result.length - 1; last > 0; last--) {
      const other = this.whole(0, last);
      [result[last], result[other]] = [result[other] as T, result[last] as T];
    }
    return result;
  }
}
