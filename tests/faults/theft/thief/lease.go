package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// As many descriptors as a supervisor could have open.
const mostDescriptors = 64

// More than any backlog of a listening socket here.
const mostConnections = 4096

func talk(args []string) error {
	socket, err := net.Dial("unix", args[0])
	if err != nil {
		return err
	}
	limit, err := seconds(args[1])
	if err != nil {
		return err
	}
	if _, err := io.Copy(socket, os.Stdin); err != nil {
		return err
	}
	socket.SetReadDeadline(time.Now().Add(limit))
	if _, err := io.Copy(os.Stdout, socket); err != nil && !os.IsTimeout(err) {
		return err
	}
	return nil
}

// pose takes the place of a socket as often as its owner puts it back, and prints what is said to it.
func pose(args []string) error {
	limit, err := seconds(args[1])
	if err != nil {
		return err
	}
	end := time.Now().Add(limit)
	probe := filepath.Join(filepath.Dir(args[0]), "probe")
	if err := os.WriteFile(probe, nil, 0o600); err != nil {
		return err
	}
	os.Remove(probe)
	for time.Now().Before(end) {
		os.Remove(args[0])
		listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: args[0], Net: "unix"})
		if err != nil {
			continue
		}
		listener.SetDeadline(time.Now().Add(50 * time.Millisecond))
		if client, err := listener.Accept(); err == nil {
			client.SetReadDeadline(time.Now().Add(time.Second))
			io.Copy(os.Stdout, client)
			client.Close()
		}
		listener.Close()
	}
	return nil
}

func flood(args []string) error {
	limit, err := seconds(args[1])
	if err != nil {
		return err
	}
	address := unix.RawSockaddrUnix{Family: unix.AF_UNIX}
	for i, each := range []byte(args[0]) {
		address.Path[i+1] = int8(each)
	}
	// Older releases of Node take the zeros after the name for a part of it.
	ownLength := unsafe.Offsetof(address.Path) + 1 + uintptr(len(args[0]))
	for _, length := range []uintptr{ownLength, unsafe.Sizeof(address)} {
		if held, err := fill(&address, length); held > 0 {
			fmt.Printf("the beacon holds %d connections: %v\n", held, err)
			time.Sleep(limit)
			return nil
		}
	}
	return fmt.Errorf("the beacon %s takes no connection", args[0])
}

// fill opens connections until one would have to wait, and leaves them open.
func fill(address *unix.RawSockaddrUnix, length uintptr) (int, error) {
	for held := range mostConnections {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return held, err
		}
		if _, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(address)), length); errno != 0 {
			return held, errno
		}
	}
	return mostConnections, nil
}

// takeOver copies the supervisor's connection, stops the supervisor, waits for the end of this job, and then says what the
// supervisor would say. It prints the JIT configuration of the next runner.
func takeOver(args []string) error {
	pid, err := processID(args)
	if err != nil {
		return err
	}
	limit, err := seconds(args[2])
	if err != nil {
		return err
	}
	lease, err := copyConnection(pid, args[1])
	if err != nil {
		return err
	}
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "the lease is held")
	end := time.Now().Add(limit)
	for processRuns("Runner.Listener") && time.Now().Before(end) {
		time.Sleep(50 * time.Millisecond)
	}
	lease.SetDeadline(end)
	fmt.Fprintln(lease, `{"type":"ended","runnerId":1,"exitCode":0,"signal":null}`)
	fmt.Fprintln(lease, `{"type":"ready"}`)
	lines := bufio.NewScanner(lease)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var message struct{ Type, JitConfig string }
		if err := json.Unmarshal(lines.Bytes(), &message); err != nil {
			return err
		}
		if message.Type == "ping" {
			fmt.Fprintln(lease, `{"type":"pong"}`)
		}
		if message.Type == "jit" {
			fmt.Println(message.JitConfig)
			// The connection must stay: without a holder the broker would look for another.
			time.Sleep(time.Until(end))
			return nil
		}
	}
	return fmt.Errorf("no JIT configuration came: %v", lines.Err())
}

func copyConnection(pid int, path string) (net.Conn, error) {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("pidfd_open %d: %w", pid, err)
	}
	refusal := fmt.Errorf("no descriptor of %d is the lease", pid)
	for number := range mostDescriptors {
		fd, err := unix.PidfdGetfd(process, number, 0)
		if err == unix.EBADF {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("pidfd_getfd %d: %w", pid, err)
		}
		if peer, err := unix.Getpeername(fd); err == nil {
			if address, ok := peer.(*unix.SockaddrUnix); ok && address.Name == path {
				return net.FileConn(os.NewFile(uintptr(fd), path))
			}
		}
		unix.Close(fd)
	}
	return nil, refusal
}

// processRuns tells whether a process of this name lives; one that nobody waits for does not.
func processRuns(name string) bool {
	statuses, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, each := range statuses {
		text, _ := os.ReadFile(each)
		if strings.HasPrefix(string(text), "Name:\t"+name+"\n") && !strings.Contains(string(text), "State:\tZ") {
			return true
		}
	}
	return false
}
