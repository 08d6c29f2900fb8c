require "tests.crash.matrix" (require "tests.support.target".list[2], describe, it)
