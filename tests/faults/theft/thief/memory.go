package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Where a program that is not relocated begins: something to ask for when the map of the memory is refused.
const guessedAddress = 0x400000

// Node's engine keeps its objects in pieces of this size, which begin at multiples of it.
const heapPiece = 256 << 10

type region struct{ start, end uintptr }

type reader func(address uintptr, into []byte) (int, error)

func writableMemory(pid int) ([]region, error) {
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, err
	}
	defer maps.Close()
	var found []region
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		var each region
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &each.start, &each.end, &mode); err == nil && strings.HasPrefix(mode, "rw") {
			found = append(found, each)
		}
	}
	return found, lines.Err()
}

// dump writes what can be read to standard output. Fails with the reason of the first refusal when nothing can.
func dump(pid int, read reader) error {
	return dumpWhere(pid, func(region) bool { return true }, read)
}

func dumpWhere(pid int, wanted func(region) bool, read reader) error {
	regions, mapError := writableMemory(pid)
	regions = slices.DeleteFunc(regions, func(each region) bool { return !wanted(each) })
	if mapError != nil {
		regions = []region{{guessedAddress, guessedAddress + 4096}}
	}
	var refusal error
	total := 0
	buffer := make([]byte, 1<<20)
	for _, each := range regions {
		for at := each.start; at < each.end; at += uintptr(len(buffer)) {
			n, err := read(at, buffer[:min(uintptr(len(buffer)), each.end-at)])
			if err != nil && refusal == nil {
				refusal = err
			}
			if n <= 0 {
				break
			}
			total += n
			if _, err := os.Stdout.Write(buffer[:n]); err != nil {
				return err
			}
		}
	}
	if total == 0 {
		return fmt.Errorf("memory of %d: %v; its map: %v", pid, refusal, mapError)
	}
	return nil
}

func readMem(args []string) error {
	pid, err := processID(args)
	if err != nil {
		return err
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return err
	}
	return dump(pid, func(address uintptr, into []byte) (int, error) { return mem.ReadAt(into, int64(address)) })
}

func vmRead(args []string) error {
	pid, err := processID(args)
	if err != nil {
		return err
	}
	return dump(pid, func(address uintptr, into []byte) (int, error) {
		local := []unix.Iovec{{Base: &into[0], Len: uint64(len(into))}}
		return unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: address, Len: len(into)}}, 0)
	})
}

func ptraceRead(args []string) error {
	return trace(args, "PTRACE_ATTACH", unix.PtraceAttach)
}

func seizeRead(args []string) error {
	return trace(args, "PTRACE_SEIZE", func(pid int) error {
		if err := unix.PtraceSeize(pid); err != nil {
			return err
		}
		return unix.PtraceInterrupt(pid)
	})
}

func trace(args []string, name string, attach func(pid int) error) error {
	pid, err := processID(args)
	if err != nil {
		return err
	}
	// The kernel lets only the thread that attached ask.
	runtime.LockOSThread()
	if err := attach(pid); err != nil {
		return fmt.Errorf("%s %d: %w", name, pid, err)
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err != nil {
		return err
	}
	defer unix.PtraceDetach(pid)
	// Word by word, all of the memory would take a minute.
	isHeap := func(each region) bool { return each.start%heapPiece == 0 }
	return dumpWhere(pid, isHeap, func(address uintptr, into []byte) (int, error) {
		return unix.PtracePeekData(pid, address, into)
	})
}
