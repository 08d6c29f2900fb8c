require "tests.crash.matrix" (require "tests.support.target".list[3], describe, it)
