require "tests.crash.matrix" (require "tests.support.target".list[1], describe, it)
