// Thief does what a job's shell cannot: system calls, and searching what they give. It runs inside the jobs of the theft
// campaign. What it got goes to standard output; when it was refused, the reason goes to standard error and it ends with 1.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

type command struct {
	usage string
	run   func(args []string) error
}

var commands = map[string]command{
	"look":     {"< TEXT: prints STOLEN and the proof when the secret is in it", look},
	"mem":      {"PID: the writable memory, from /proc/PID/mem", readMem},
	"vmread":   {"PID: the same with process_vm_readv", vmRead},
	"ptrace":   {"PID: the same with PTRACE_ATTACH and PTRACE_PEEKDATA", ptraceRead},
	"seize":    {"PID: the same with PTRACE_SEIZE", seizeRead},
	"takeover": {"PID SOCKET SECONDS: the next JIT configuration, over the lease connection of PID", takeOver},
	"talk":     {"SOCKET SECONDS < LINES: what a unix socket answers", talk},
	"pose":     {"SOCKET SECONDS: what clients say to a socket put in place of this one", pose},
	"flood":    {"NAME SECONDS: holds as many connections to an abstract socket as it takes", flood},
	"stay":     {"daemon|stopped|forks: stays behind and looks into every environment", stay},
	"collect":  {": the proofs that a thief that stayed behind has", collect},
	"toggle":   {"PID: a thief that stays and changes a limit of PID to the value on standard input and back, all the time", toggle},
	"xattr":    {"put|get NAME PATH...: an extended attribute, the value from standard input", extendedAttribute},
	"keyring":  {"put|get: a key of the user's keyring, the value from standard input", userKeyring},
	"ipc":      {"put|get: System V shared memory and a POSIX message queue, the value from standard input", ipc},
}

func main() {
	if len(os.Args) > 1 {
		if found, ok := commands[os.Args[1]]; ok {
			if err := found.run(os.Args[2:]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
	}
	for name, each := range commands {
		fmt.Fprintln(os.Stderr, name, each.usage)
	}
	os.Exit(2)
}

func processID(args []string) (int, error) {
	if len(args) == 0 {
		return 0, fmt.Errorf("no process given")
	}
	return strconv.Atoi(args[0])
}

func seconds(text string) (time.Duration, error) {
	count, err := strconv.Atoi(text)
	return time.Duration(count) * time.Second, err
}
