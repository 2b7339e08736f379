package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	// orphanWait is for a child whose parent was killed: it needs up to orphanGrace to end, and keeps the lock till then.
	orphanWait = 5 * time.Second
	lockPoll   = 20 * time.Millisecond
)

// holder is the content of a lock file. It only informs: what counts is the kernel's lock on the file.
type holder struct {
	Pid   int       `json:"pid"`
	Owner string    `json:"owner"`
	Since time.Time `json:"since"`
}

// acquire takes the folder's lock, or says who has it. The lock belongs to the open file, which the child inherits:
// it is free when the last of parent and child is gone, and not before.
func acquire(ctx context.Context, f folder, owner string) (*os.File, error) {
	file, err := os.OpenFile(f.lock(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock of data folder %s: %w", f.dir, err)
	}
	for deadline := time.Now().Add(orphanWait); ; {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			file.Close()
			return nil, fmt.Errorf("lock of data folder %s: %w (is it on a file system without locks? choose a local one)", f.dir, err)
		}
		// A holder that cannot be read is just about to write, or to leave.
		h, known := readHolder(file)
		if (known && alive(h.Pid)) || time.Now().After(deadline) {
			file.Close()
			if !known {
				return nil, fmt.Errorf("data folder %s is in use by another framehouse: stop it or choose another folder", f.dir)
			}
			return nil, fmt.Errorf("data folder %s is in use by %s (pid %d, since %s): stop it or choose another folder",
				f.dir, h.Owner, h.Pid, h.Since.Format(time.DateTime+" MST"))
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, fmt.Errorf("lock of data folder %s: %w", f.dir, context.Cause(ctx))
		case <-time.After(lockPoll):
		}
	}
	if owner == "" {
		owner = "another framehouse"
	}
	content, err := json.Marshal(holder{Pid: os.Getpid(), Owner: owner, Since: time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		err = file.Truncate(0)
	}
	if err == nil {
		_, err = file.WriteAt(append(content, '\n'), 0)
	}
	if err != nil {
		release(file)
		return nil, fmt.Errorf("lock of data folder %s: %w", f.dir, err)
	}
	return file, nil
}

// release frees the folder. The file stays: removing it would let two processes lock two files of one name.
func release(file *os.File) {
	file.Truncate(0)
	file.Close()
}

func readHolder(file *os.File) (holder, bool) {
	content := make([]byte, 4096)
	n, _ := file.ReadAt(content, 0)
	var h holder
	err := json.Unmarshal(content[:n], &h)
	return h, err == nil && h.Pid > 0
}

// alive says whether a process of that number exists, also one that we may not signal.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
