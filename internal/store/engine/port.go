package engine

import (
	"os"
	"strconv"
	"syscall"
)

// listening gives the loopback ports this process is bound to, found among its own file descriptors: no log to parse
// and no other process to mistake for ours. A bound socket without a peer is taken for a listening one, since not
// every platform tells (SO_ACCEPTCONN); it may thus be seen shortly before it accepts.
func listening() []int {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return nil
	}
	var ports []int
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE); err != nil || kind != syscall.SOCK_STREAM {
			continue
		}
		if _, err := syscall.Getpeername(fd); err == nil {
			continue
		}
		addr, err := syscall.Getsockname(fd)
		if err != nil {
			continue
		}
		if in, ok := addr.(*syscall.SockaddrInet4); ok && in.Port != 0 && in.Addr == [4]byte{127, 0, 0, 1} {
			ports = append(ports, in.Port)
		}
	}
	return ports
}
