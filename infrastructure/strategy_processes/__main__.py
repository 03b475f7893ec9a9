import sys

from infrastructure.strategy_processes.fork_server import main

main(sys.argv[1:])
