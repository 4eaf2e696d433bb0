//! The socket, its two clients and its server, against each other and against hostile peers.
