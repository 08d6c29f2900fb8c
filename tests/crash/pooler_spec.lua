require "tests.crash.matrix" (require "tests.support.target".list[4], describe, it)
