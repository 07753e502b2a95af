package main

import _ "time/tzdata" // job schedulers name time zones; an image may have no table of them
