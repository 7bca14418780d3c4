# The host port: the kernel's rooms as a Linux process (tests). Each basic block of kernel code is a point where the simulated machine
# may interrupt it or let another CPU run.
host_free        += -fsanitize-coverage=trace-pc
host_port_cflags := -D_GNU_SOURCE
host_port_libs   :=
