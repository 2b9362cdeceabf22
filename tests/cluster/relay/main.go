// Command relay lets programs outside a network namespace reach a TCP port inside it.
//
//	relay LISTEN NAMESPACE TARGET
//
// It listens on the address LISTEN where it was started, then moves into the network namespace of the
// file NAMESPACE and runs itself again there, with the listening socket in hand: a socket stays in the
// namespace in which it was made. Each connection is forwarded to the address TARGET inside.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"runtime"
	"strconv"
	"syscall"
)

const inherited = "RELAY_LISTENER" // the socket's number, once the process is inside the namespace

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: relay LISTEN NAMESPACE TARGET")
	}
	if os.Getenv(inherited) == "" {
		log.Fatal(enter(os.Args[1], os.Args[2]))
	}
	number, err := strconv.Atoi(os.Getenv(inherited))
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.FileListener(os.NewFile(uintptr(number), "listener"))
	if err != nil {
		log.Fatal(err)
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go forward(client.(*net.TCPConn), os.Args[3])
	}
}

// enter returns only when it fails; otherwise the process goes on as a new one.
func enter(listen, namespace string) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	place, err := os.Open(namespace)
	if err != nil {
		return err
	}
	// The namespace belongs to the thread, and the thread that executes is the one that goes on.
	runtime.LockOSThread()
	if _, _, errno := syscall.RawSyscall(sysSetns, place.Fd(), syscall.CLONE_NEWNET, 0); errno != 0 {
		return os.NewSyscallError("setns", errno)
	}
	// Keep the socket open across exec.
	if _, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, socket.Fd(), syscall.F_SETFD, 0); errno != 0 {
		return os.NewSyscallError("fcntl", errno)
	}
	return syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), fmt.Sprintf("%s=%d", inherited, socket.Fd())))
}

func forward(client *net.TCPConn, target string) {
	defer client.Close()
	connection, err := net.Dial("tcp", target)
	if err != nil {
		log.Print(err)
		return
	}
	server := connection.(*net.TCPConn)
	defer server.Close()
	done := make(chan struct{})
	go func() {
		copyHalf(server, client)
		close(done)
	}()
	copyHalf(client, server)
	<-done
}

// copyHalf carries one direction and passes its end on; io.Copy splices, so no data enters the process.
func copyHalf(to, from *net.TCPConn) {
	io.Copy(to, from)
	to.CloseWrite()
	from.CloseRead()
}
