/**
 * Must be the first import of every program that runs beside job code.
 *
 * SIGUSR1 makes Node open its inspector on loopback, and whoever reaches the inspector runs code inside the program. A job
 * has the supervisor's uid, so it may send that signal. A handler of our own takes the signal away from the inspector.
 */
process.on("SIGUSR1", () => {});
