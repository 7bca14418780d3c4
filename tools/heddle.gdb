# gdb commands for a running Heddle kernel (tools/gdb).
set pagination off
set print pretty on
set confirm off

define threads
  info threads
end
document threads
Every CPU, where it is now.
end

define kbt
  thread apply all bt 20
end
document kbt
A backtrace of every CPU.
end

define panic_stop
  break panic
end
document panic_stop
Stop in panic(), before the report.
end
