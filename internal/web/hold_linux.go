package web

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// holdBack makes the system ignore attempts to connect to l: who tries is refused
// once l is closed, or finds the next server there. It gives the number of
// connections made that wait to be accepted; nil if it could not.
func holdBack(l net.Listener) (waiting func() int) {
	c, ok := l.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	// Of the packets that come to the listener, whose 14th byte has TCP's flags,
	// those that only ask for a connection (SYN without ACK) are dropped.
	const flags, syn, ack, all = 13, 0x02, 0x10, 0xffff
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: flags},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: syn | ack},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: syn, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: all},
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	}); err != nil || failed != nil {
		return nil
	}
	return func() (n int) {
		_ = raw.Control(func(fd uintptr) { // an error: the listener is closed, and nothing waits
			if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
				n = int(info.Unacked) // of a listener: the length of its queue
			}
		})
		return n
	}
}
