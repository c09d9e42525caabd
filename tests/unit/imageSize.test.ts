import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { pack } from "tar-stream";
import { biggest, directorySizes, parseHistory, render } from "../../scripts/imageSize";

const history = (layers: [number, string][]) =>
  `${layers.map(([Size, CreatedBy]) => JSON.stringify({ Size: String(Size), CreatedBy })).join("\n")}\n`;

describe("the size of an image", () => {
  it("is told by layer, from the base image up, with the instruction that made it", () => {
    const text = history([
      [0, 'CMD ["x"]'],
      [3_000_000, "COPY /opt/node /opt/node # buildkit"],
      [
        2_000_000,
        "RUN |2 TARGETARCH=amd64 CA_CERTIFICATES=QUJD /bin/sh -c apt-get  install \\\n git # buildkit",
      ],
      [1_000_000, "RUN /bin/sh -c true # buildkit"],
      [70_000_000, "/bin/sh -c #(nop) ADD file:1 in / "],
      [5, ""],
    ]);
    assert.deepEqual(parseHistory(text), [
      { bytes: 5, instruction: "(imported)" },
      { bytes: 70_000_000, instruction: "ADD file:1 in /" },
      { bytes: 1_000_000, instruction: "RUN true" },
      { bytes: 2_000_000, instruction: "RUN apt-get install \\ git" },
      { bytes: 3_000_000, instruction: "COPY /opt/node /opt/node" },
    ]);
  });

  it("is told by directory, with a file of two names counted once", async () => {
    const archive = pack();
    archive.entry({ name: "usr/", type: "directory" });
    archive.entry({ name: "usr/lib/java/modules" }, Buffer.alloc(1000));
    archive.entry({ name: "usr/lib/java/other/x" }, Buffer.alloc(10));
    archive.entry({ name: "usr/bin/node" }, Buffer.alloc(500));
    archive.entry({ name: "usr/bin/again", type: "link", linkname: "usr/bin/node" });
    archive.entry({ name: "init" }, Buffer.alloc(1));
    archive.finalize();
    const sizes = await directorySizes(archive.pipe(new PassThrough()));
    assert.deepEqual(Object.fromEntries(sizes), {
      "/": 1511,
      "/usr": 1510,
      "/usr/lib": 1010,
      "/usr/lib/java": 1010,
      "/usr/lib/java/other": 10,
      "/usr/bin": 500,
    });
    assert.deepEqual(
      biggest(sizes, 3).map(({ path }) => path),
      ["/usr", "/usr/lib/java", "/usr/bin"],
    );
  });

  it("is shown in megabytes", () => {
    const text = render(
      "x",
      [{ bytes: 1_500_000, instruction: "RUN true" }],
      [{ bytes: 900_000, path: "/usr" }],
    );
    assert.match(text, /^x: 1\.5 MB, uncompressed$/m);
    assert.match(text, /^ {3}1\.5 MB {2}RUN true$/m);
    assert.match(text, /^ {3}0\.9 MB {2}\/usr$/m);
  });
});
