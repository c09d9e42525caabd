package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Where a program that is not relocated begins: something to ask for when the map of the memory is refused.
const guessedAddress = 0x400000

var pageSize = uintptr(os.Getpagesize())

type region struct {
	start, end uintptr
	anonymous  bool
}

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
		fields := strings.Fields(lines.Text())
		if _, err := fmt.Sscanf(fields[0], "%x-%x", &each.start, &each.end); err == nil && strings.HasPrefix(fields[1], "rw") {
			each.anonymous = len(fields) == 5
			found = append(found, each)
		}
	}
	return found, lines.Err()
}

// dump writes what can be read to standard output. Fails with the reason of the first refusal when nothing can.
func dump(pid int, read reader) error {
	regions, mapError := writableMemory(pid)
	return dumpRegions(pid, regions, mapError, read)
}

func dumpRegions(pid int, regions []region, mapError error, read reader) error {
	if mapError != nil {
		regions = []region{{start: guessedAddress, end: guessedAddress + pageSize}}
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
			if len(recognise(buffer[:n])) > 0 {
				return nil // there is no need to go on
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
	// Word by word, all of the memory would take a minute: objects lie in memory that belongs to no file and is in use.
	regions, mapError := writableMemory(pid)
	return dumpRegions(pid, usedPages(pid, regions), mapError, func(address uintptr, into []byte) (int, error) {
		return unix.PtracePeekData(pid, address, into)
	})
}

// usedPages leaves the parts of anonymous regions that the kernel has given memory to.
func usedPages(pid int, regions []region) (used []region) {
	const present = 1 << 63
	pages, err := os.Open(fmt.Sprintf("/proc/%d/pagemap", pid))
	if err != nil {
		return regions
	}
	defer pages.Close()
	for _, each := range regions {
		if !each.anonymous {
			continue
		}
		entries := make([]byte, (each.end-each.start)/pageSize*8)
		n, _ := pages.ReadAt(entries, int64(each.start/pageSize*8))
		for i := 0; i+8 <= n; i += 8 {
			start := each.start + uintptr(i)/8*pageSize
			if binary.NativeEndian.Uint64(entries[i:])&present == 0 {
				continue
			}
			if last := len(used) - 1; last >= 0 && used[last].end == start {
				used[last].end += pageSize
			} else {
				used = append(used, region{start: start, end: start + pageSize})
			}
		}
	}
	return used
}
