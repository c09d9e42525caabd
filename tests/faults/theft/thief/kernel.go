package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	longestValue = 256
	// Of System V shared memory: any number that both jobs know.
	sharedMemoryKey = 0x74686566
	queueName       = "theft-campaign"
	keyName         = "theft-campaign"
	// The user's keyring belongs to the whole node: what a weakened Pod put there must not stay.
	keySeconds = 60
)

func extendedAttribute(args []string) error {
	action, name, paths := args[0], "user."+args[1], args[2:]
	value, err := valueFor(action)
	if err != nil {
		return err
	}
	var refusals []error
	for _, path := range paths {
		if action == "put" {
			err = unix.Setxattr(path, name, value, 0)
		} else {
			into := make([]byte, longestValue)
			var n int
			if n, err = unix.Getxattr(path, name, into); err == nil {
				fmt.Printf("%s\n", into[:n])
			}
		}
		if err != nil {
			refusals = append(refusals, fmt.Errorf("%s: %w", path, err))
		}
	}
	if len(refusals) == len(paths) {
		return errors.Join(refusals...)
	}
	return nil
}

func userKeyring(args []string) error {
	value, err := valueFor(args[0])
	if err != nil {
		return err
	}
	// Only what one of the caller's own keyrings leads to may be read. A thread has such keyrings of its own.
	runtime.LockOSThread()
	if _, err := unix.KeyctlInt(unix.KEYCTL_LINK, unix.KEY_SPEC_USER_KEYRING, unix.KEY_SPEC_THREAD_KEYRING, 0, 0); err != nil {
		return fmt.Errorf("keyctl link: %w", err)
	}
	if args[0] == "put" {
		id, err := unix.AddKey("user", keyName, value, unix.KEY_SPEC_USER_KEYRING)
		if err != nil {
			return fmt.Errorf("add_key: %w", err)
		}
		if _, err = unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, id, keySeconds, 0, 0); err != nil {
			return fmt.Errorf("keyctl timeout: %w", err)
		}
		return nil
	}
	id, err := unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, "user", keyName, 0)
	if err != nil {
		return fmt.Errorf("keyctl search: %w", err)
	}
	into := make([]byte, longestValue)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, into, 0)
	if err != nil {
		return fmt.Errorf("keyctl read: %w", err)
	}
	fmt.Printf("%s\n", into[:n])
	return nil
}

func ipc(args []string) error {
	value, err := valueFor(args[0])
	if err != nil {
		return err
	}
	put := args[0] == "put"
	return errors.Join(sharedMemory(put, value), messageQueue(put, value))
}

func sharedMemory(put bool, value []byte) error {
	flags := 0
	if put {
		flags = unix.IPC_CREAT | 0o600
	}
	id, err := unix.SysvShmGet(sharedMemoryKey, longestValue, flags)
	if err != nil {
		return fmt.Errorf("shmget: %w", err)
	}
	memory, err := unix.SysvShmAttach(id, 0, 0)
	if err != nil {
		return fmt.Errorf("shmat: %w", err)
	}
	if put {
		copy(memory, value)
		return nil
	}
	fmt.Printf("%s\n", bytes.TrimRight(memory, "\x00"))
	return nil
}

func messageQueue(put bool, value []byte) error {
	name, err := unix.BytePtrFromString(queueName)
	if err != nil {
		return err
	}
	flags := unix.O_RDWR | unix.O_NONBLOCK
	if put {
		flags |= unix.O_CREAT
	}
	queue, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(name)), uintptr(flags), 0o600, 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("mq_open: %w", errno)
	}
	if put {
		_, _, errno = unix.Syscall6(unix.SYS_MQ_TIMEDSEND, queue, uintptr(unsafe.Pointer(&value[0])), uintptr(len(value)), 0, 0, 0)
	} else {
		into := make([]byte, 8192) // the kernel refuses less than the longest message of the queue
		var n uintptr
		n, _, errno = unix.Syscall6(unix.SYS_MQ_TIMEDRECEIVE, queue, uintptr(unsafe.Pointer(&into[0])), uintptr(len(into)), 0, 0, 0)
		if errno == 0 {
			fmt.Printf("%s\n", into[:n])
		}
	}
	if errno != 0 {
		return fmt.Errorf("message queue: %w", errno)
	}
	return nil
}

func valueFor(action string) ([]byte, error) {
	if action != "put" {
		return nil, nil
	}
	value, err := io.ReadAll(io.LimitReader(os.Stdin, longestValue))
	if len(value) == 0 {
		err = fmt.Errorf("there is no value on standard input")
	}
	return value, err
}
