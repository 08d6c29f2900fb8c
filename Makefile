# The only build file. `make help` lists the targets.
# VARIANT=release|faults|asan picks a build; each has its own folder under build/.

VARIANT ?= release
CC ?= gcc
CXX ?= g++
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif

BUILD := build
OUT := $(if $(filter release,$(VARIANT)),$(BUILD),$(BUILD)/$(VARIANT))

# ---- Debian packages, by what needs them --------------------------------------------------
PACKAGES_BUILD := gcc g++ make pkg-config liblua5.4-dev libpq-dev libsqlite3-dev libyaml-dev \
  libssl-dev libsimdjson-dev zlib1g-dev libzstd-dev libbrotli-dev libcurl4-openssl-dev libexpat1-dev \
  libseccomp-dev libedit-dev lua-cjson sqlite3
# What the executable loads without being linked with it: for the image.
PACKAGES_RUN := libpq5 libcurl4 lua-cjson tzdata ca-certificates
PACKAGES_TEST := libcmocka-dev curl lua5.4 lua-busted postgresql postgresql-client pgbouncer zstd brotli \
  python3 python3-jsonschema python3-yaml python3-h2 nghttp2-server openssl
PACKAGES_CHECK := clang clang-format clang-tidy libclang-rt-14-dev cppcheck lua-check shellcheck valgrind
PACKAGES_FRESH := debootstrap
PACKAGES_PEERS := python3-venv
PACKAGES_REAL := curl

# ---- Flags -------------------------------------------------------------------------------
WARN := -Wall -Wextra -Wshadow -Wconversion -Wundef -Wvla -Wcast-qual -Wformat=2 \
  -Wimplicit-fallthrough -Werror
CWARN := $(WARN) -Wstrict-prototypes -Wmissing-prototypes
LIBS := lua5.4 libpq sqlite3 yaml-0.1 libcrypto simdjson zlib libzstd libbrotlidec libcurl expat libseccomp libedit
PKG_CFLAGS := $(shell pkg-config --cflags $(LIBS) 2>/dev/null | sed 's/-I/-isystem /g')
# libpq and libcurl are loaded when a connection is made (host/io/libpq.h, libcurl.h); only tests are
# linked with libpq.
PKG_LIBS := $(shell pkg-config --libs $(filter-out libpq libcurl,$(LIBS)) 2>/dev/null)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

CPPFLAGS += -D_GNU_SOURCE -Ihost $(PKG_CFLAGS)
CFLAGS_release := -O2 -g -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
CFLAGS_faults := -O2 -g -fPIE -DEH_FAULTS
LDFLAGS_faults := -pie
# vptr: it asks the kernel about addresses in a way that the jail's wall ends.
CFLAGS_asan := -O1 -g -fPIE -DEH_FAULTS -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=undefined \
  -fno-omit-frame-pointer
LDFLAGS_asan := -pie -fsanitize=address,undefined
CFLAGS += $(CFLAGS_$(VARIANT))
# Debian's Lua modules (lua-cjson, what busted needs) take the Lua symbols from the executable.
LDFLAGS += $(LDFLAGS_$(VARIANT)) -Wl,-E

comma := ,

# ---- Sources -----------------------------------------------------------------------------
C_FILES := $(filter-out host/main.c,$(wildcard host/*/*.c))
CXX_FILES := $(wildcard host/*/*.cpp)
EMBED_FILES := $(sort $(shell find lua sources host/load/sql host/store/sql pipelines config -type f \
  \( -name '*.lua' -o -name '*.sql' -o -name '*.yaml' \) 2>/dev/null) $(wildcard config/schema/*.json))
OBJECTS := $(C_FILES:%.c=$(OUT)/obj/%.o) $(CXX_FILES:%.cpp=$(OUT)/obj/%.o) $(OUT)/obj/embed.o
TESTS_C := $(patsubst tests/c/%.c,$(OUT)/tests/%,$(wildcard tests/c/test_*.c))

.PHONY: all help demo test check model bench fuzz dlt stress fresh image packages-run asan lint format install clean deps deps-test deps-check \
  deps-fresh deps-peers deps-real stores test-real test-build format-check both-compilers FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(OUT)/etlhost ## build build/etlhost

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

$(OUT)/etlhost: $(OUT)/obj/host/main.o $(OUT)/libetlhost.a
	$(CXX) $(LDFLAGS) -o $@ $< -Wl,--whole-archive $(OUT)/libetlhost.a -Wl,--no-whole-archive $(PKG_LIBS)

$(OUT)/libetlhost.a: $(OBJECTS)
	@rm -f $@
	ar rcs $@ $^

$(OUT)/obj/%.o: %.c $(OUT)/flags
	@mkdir -p $(@D)
	$(CC) -std=c11 $(CWARN) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/obj/%.o: %.cpp $(OUT)/flags
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(WARN) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# The version is its own small header so that a commit does not rebuild everything.
$(OUT)/obj/host/main.o: $(OUT)/version.h
$(OUT)/version.h: FORCE
	@mkdir -p $(@D)
	@printf '#define EH_VERSION "%s"\n' '$(VERSION)' | cmp -s - $@ || printf '#define EH_VERSION "%s"\n' '$(VERSION)' >$@
$(OUT)/obj/host/main.o: CPPFLAGS += -I$(OUT)

# Another compiler or other flags mean another build.
$(OUT)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CXX) $(CFLAGS) $(LDFLAGS)' | cmp -s - $@ || echo '$(CC) $(CXX) $(CFLAGS) $(LDFLAGS)' >$@

$(OUT)/embed.c: host/embed.sh $(EMBED_FILES) $(OUT)/embed.list
	@sh host/embed.sh $(EMBED_FILES) >$@
$(OUT)/embed.list: FORCE
	@mkdir -p $(@D)
	@echo '$(EMBED_FILES)' | cmp -s - $@ || echo '$(EMBED_FILES)' >$@
$(OUT)/obj/embed.o: $(OUT)/embed.c
	@mkdir -p $(@D)
	$(CC) -std=c11 $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$(OUT)/tests/%: $(OUT)/obj/tests/c/%.o $(OUT)/libetlhost.a
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) $(WRAP) -o $@ $^ $(PKG_LIBS) -lpq -lcmocka -lbrotlienc

# The sweeps without memory see which messages are read; under the sanitizers, whose allocator
# stays, what our own code allocates is what fails (tests/c/oom.h).
OOM_TESTS := $(filter $(OUT)/tests/test_oom% $(OUT)/tests/test_%_oom,$(TESTS_C))
OOM_WRAP := $(if $(filter asan,$(VARIANT)),malloc calloc realloc) $(addprefix eh_arena_,alloc zalloc bytes strndup strdup printf)
$(OOM_TESTS): WRAP := $(patsubst %,-Wl$(comma)--wrap=%,$(OOM_WRAP))
$(OUT)/tests/test_oom_messages $(OUT)/tests/test_jail_oom: WRAP += -Wl,--wrap=eh_frame_read

# The scripted HTTP server that specs and C tests talk to.
HTTP_SERVER := $(OUT)/tests/http_server
$(HTTP_SERVER): $(patsubst %.c,$(OUT)/obj/%.o,$(wildcard tests/support/*.c)) $(OUT)/libetlhost.a
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lssl -lbrotlienc

FORCE:

-include $(OBJECTS:.o=.d) $(OUT)/obj/host/main.d $(wildcard $(OUT)/obj/tests/*/*.d)

clean: ## remove build/
	rm -rf $(BUILD)

# ---- Packages: only what is missing, so that a second `make demo` asks for nothing --------------
deps: INSTALL := $(PACKAGES_BUILD)
deps-test: INSTALL := $(PACKAGES_TEST)
deps-check: INSTALL := $(PACKAGES_TEST) $(PACKAGES_CHECK)
deps-fresh: INSTALL := $(PACKAGES_FRESH)
deps-peers: INSTALL := $(PACKAGES_PEERS)
deps-real: INSTALL := $(PACKAGES_REAL)
deps deps-test deps-check deps-fresh deps-peers deps-real:
	@sh tests/deps $(INSTALL)

# ---- What people run ------------------------------------------------------------------------------
# pkg-config is asked while this file is read, so what needs the packages is built by a second make.
SUBMAKE := $(MAKE) --no-print-directory
PARALLEL := $(SUBMAKE) -s -j$(shell nproc)

demo: deps ## install, build, and load the example exports into SQLite
	@[ -x $(BUILD)/etlhost ] || echo "building $(BUILD)/etlhost (a minute or so, the first time)"
	@$(PARALLEL) all
	@$(BUILD)/etlhost run pipelines/demo.lua

test: deps deps-test ## install, build, and run all tests
	@echo "building, then testing (some minutes)"
	@$(PARALLEL) all test-build
	@$(PARALLEL) VARIANT=faults all
	@sh tests/run

MODEL_ROUNDS ?= 50
MODEL_STREAMS ?= 44
model: deps deps-test ## random files against a model of the tables: MODEL_SEED, MODEL_ROUNDS (50), MODEL_STREAMS (44), MODEL_TO
	@$(PARALLEL) all
	@$(PARALLEL) VARIANT=faults all
	@seed=$${MODEL_SEED:-$$(date +%s)}; echo "seed $$seed, $(MODEL_ROUNDS) rounds of $(MODEL_STREAMS) streams"; \
	  MODEL_SEED=$$seed MODEL_ROUNDS=$(MODEL_ROUNDS) MODEL_STREAMS=$(MODEL_STREAMS) \
	  ETLHOST_TEST_ROOT=$(CURDIR) ETLHOST=$(CURDIR)/$(BUILD)/etlhost \
	  $(BUILD)/etlhost test tests/e2e/model_spec.lua

test-build: $(TESTS_C) $(HTTP_SERVER)

asan: deps deps-test ## all tests but the crash matrix under the address, undefined and leak sanitizers
	@$(PARALLEL) VARIANT=asan all test-build
	@sh tests/run --build $(BUILD)/asan unit lua e2e

check: deps deps-check ## everything a change must pass: format, lint, both compilers, sanitizers, tests
	@$(SUBMAKE) format-check lint both-compilers asan test

both-compilers:
	@$(PARALLEL) CC=gcc CXX=g++ BUILD=$(BUILD)/gcc all test-build
	@$(PARALLEL) CC=clang CXX=clang++ BUILD=$(BUILD)/clang all test-build

FORMATTED = $(shell git ls-files --cached --others --exclude-standard 'host/*.[ch]' 'host/*.cpp' 'tests/*.[ch]' 'tests/*.cpp')
format: ## rewrite the C sources in the house format
	clang-format -i $(FORMATTED)
format-check:
	@bad=; for f in $(FORMATTED); do \
	  clang-format --dry-run --Werror $$f >/dev/null 2>&1 || bad="$$bad $$f"; done; \
	[ -z "$$bad" ] || { echo "not in the house format (make format):$$bad"; exit 1; }

lint: ## clang-tidy, cppcheck, luacheck, shellcheck and the house rules of tests/lint
	@CPPFLAGS='$(CPPFLAGS)' sh tests/lint/run

bench: deps deps-test $(if $(filter 1,$(PEERS)),deps-peers) ## measure against psql and sqlite3 (PEERS=1: against other tools too)
	@$(PARALLEL) all $(HTTP_SERVER) $(OUT)/bench_http
	@sh tests/bench/run

$(OUT)/bench_%: $(OUT)/obj/tests/bench/bench_%.o $(OUT)/libetlhost.a
	$(CXX) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

# Each target for FUZZ_SECONDS, from its seeds; what it finds that is new stays under build/fuzz.
FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_FLAGS := -O1 -g -fPIE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
fuzz: deps deps-check ## run each fuzz target for FUZZ_SECONDS (60)
	@$(PARALLEL) CC=clang CXX=clang++ BUILD=$(BUILD)/fuzz CFLAGS='$(FUZZ_FLAGS)' \
	  LDFLAGS='-pie -fsanitize=address,undefined -Wl,-E' $(FUZZERS:%=$(BUILD)/fuzz/%)
	@for f in $(FUZZERS); do \
	  mkdir -p $(BUILD)/fuzz/corpus/$$f tests/fuzz/seeds/$${f#fuzz_}; \
	  $(BUILD)/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
	    -artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/fuzz/corpus/$$f tests/fuzz/seeds/$${f#fuzz_} || exit 1; \
	done
$(BUILD)/fuzz_%: $(OUT)/obj/tests/fuzz/fuzz_%.o $(OUT)/libetlhost.a
	$(CXX) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS)

BATCHES ?= 10000
stress: deps deps-test ## eight runs merge the same keys at once, in BATCHES (10000) transactions
	@$(PARALLEL) all
	@ETLHOST_BATCHES=$(BATCHES) ETLHOST_TEST_ROOT=$(CURDIR) ETLHOST=$(CURDIR)/$(BUILD)/etlhost \
	  $(BUILD)/etlhost test tests/e2e/writers_spec.lua

# The registry that pip is told to use has them.
DLT := dlt[postgres]==1.31.0
dlt: deps deps-test deps-peers ## have a real dlt fill tables, and adopt them
	@[ -x $(BUILD)/dlt/bin/python ] || python3 -m venv $(BUILD)/dlt
	@$(BUILD)/dlt/bin/pip install -q --disable-pip-version-check '$(DLT)'
	@$(PARALLEL) all
	@ETLHOST_DLT=$(CURDIR)/$(BUILD)/dlt/bin/python ETLHOST_TEST_ROOT=$(CURDIR) \
	  ETLHOST=$(CURDIR)/$(BUILD)/etlhost $(BUILD)/etlhost test tests/e2e/adopt_spec.lua

# Object stores that check signatures. Two Go programs, minutes to build; they are test tools only.
STORES := $(CURDIR)/$(BUILD)/stores
VERSITYGW := github.com/versity/versitygw/cmd/versitygw@v1.8.0
MINIO := github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
GO_INSTALL = GOPROXY=$$(go env GOPROXY | cut -d, -f1) GOBIN=$(STORES) go install
stores: ## build the object stores that `make test-real` needs (Go)
	@command -v go >/dev/null || { echo "the object stores are Go programs, and there is no go here" >&2; exit 1; }
	@[ -x $(STORES)/versitygw ] || { echo "building versitygw"; $(GO_INSTALL) $(VERSITYGW); }
	@[ -x $(STORES)/minio ] || { echo "building minio"; $(GO_INSTALL) $(MINIO); }

test-real: deps deps-test deps-real stores ## test against real object stores (VersityGW, MinIO)
	@$(PARALLEL) all
	@$(PARALLEL) VARIANT=faults all
	@ETLHOST_STORES=$(STORES) ETLHOST_TEST_ROOT=$(CURDIR) ETLHOST=$(CURDIR)/$(BUILD)/etlhost \
	  $(BUILD)/etlhost test tests/e2e/s3_real_spec.lua

fresh: deps-fresh ## run the README's commands on a minimal Debian 12 made for the purpose (root)
	@sh tests/fresh

# ENGINE: buildah, podman or docker; the first that is there.
ENGINE = $(firstword $(foreach e,buildah podman docker,$(if $(shell command -v $(e)),$(e))))
IMAGE ?= etlhost
image: ## build the container image IMAGE (etlhost); BASE: a Debian 12 other than the registry's
	@[ -n '$(ENGINE)' ] || { echo "make image needs buildah, podman or docker" >&2; exit 1; }
	$(ENGINE) build $(IMAGE_FLAGS) $(if $(BASE),--build-arg BASE='$(BASE)') \
	  --build-arg VERSION='$(VERSION)' -t '$(IMAGE)' -f Containerfile .
packages-run:
	@echo '$(PACKAGES_RUN)'

PREFIX ?= /usr/local
install: all ## copy etlhost below PREFIX (and DESTDIR)
	install -D -m 755 $(BUILD)/etlhost $(DESTDIR)$(PREFIX)/bin/etlhost
	install -D -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/etlhost/LICENSE
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(BUILD)/etlhost completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/etlhost
