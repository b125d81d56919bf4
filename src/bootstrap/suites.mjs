/**
 * The test suites: where they lie, how many files run at once, how long they may take, and the program that brings what they
 * need first. A suite whose needs cannot be brought has failed.
 */
const kubernetes = { what: "Kubernetes, compiled", program: "test/support/cluster/bring.ts", seconds: 5400 };

export const suites = {
  unit: { name: "unit", glob: "test/unit/**/*.test.ts", atOnce: 2, seconds: 300 },
  interop: { name: "interop", glob: "test/interop/**/*.test.ts", atOnce: 1, seconds: 1800 },
  // Each virtual machine keeps one processor busy.
  lab: { name: "lab", glob: "test/lab/**/*.test.ts", atOnce: 2, seconds: 4200 },
  cluster: {
    name: "cluster",
    glob: "test/cluster/**/*.test.ts",
    atOnce: 1,
    seconds: 5400,
    needs: kubernetes,
  },
  // Other shapes of a cluster, each once: a run of its own, so that the whole stays within the hour.
  topologies: {
    name: "topologies",
    glob: "test/topologies/**/*.test.ts",
    atOnce: 1,
    seconds: 5400,
    needs: kubernetes,
    onlyByName: true,
  },
};

/**
 * The command that runs one suite with the house reporter.
 * @param {string} node path of the Node that runs it
 * @param {{glob: string, atOnce: number}} suite
 * @param {string} [only] a path that the test files must contain
 * @returns {string[]}
 */
export function suiteCommand(node, { glob, atOnce }, only = glob) {
  const reporter = "--test-reporter=./test/support/reporter.ts";
  return [node, "--test", reporter, `--test-concurrency=${atOnce}`, only];
}
