require "tests.crash.replace" (require "tests.support.target".list[2], {
  "copy.middle:3", "commit.answered:4", "promote.rows",
}, describe, it, setup)
