# proxyd: GNU make, no configure step.
#
#	make				optimised build, programs in build/opt/bin
#	make run / make stop		build, start both daemons under ./var / stop
#	make check			every test under prove; T=, SAN=, PROVE_OPTS=
#	make check-agents		coding agents through proxyd, from npm
#	make DEBUG=1			-O0 -g3, in build/debug
#	make SAN=address,undefined check	sanitizers, in a tree of their own
#	make lint			headers alone, manuals, function lengths
#	make fuzz			libFuzzer programs (clang), bounded runs
#	make bench			speed against nginx's; bench-quick, soak
#	make install DESTDIR= PREFIX=
#
# make run and make check install missing Debian packages; DEPS=0 skips that.
# Nothing is written outside build/ and var/.  A change of flags rebuilds.

PREFIX	?= /usr/local
BINDIR	?= $(PREFIX)/bin
SBINDIR	?= $(PREFIX)/sbin
MANDIR	?= $(PREFIX)/share/man
DATADIR	?= $(PREFIX)/share/proxyd
BASHDIR	?= $(PREFIX)/share/bash-completion/completions
ZSHDIR	?= $(PREFIX)/share/zsh/site-functions
CC	?= cc
AR	?= ar
DEPS	?= 1

comma	:= ,
VARIANT	:= $(if $(SAN),san-$(subst $(comma),-,$(SAN)),$(if $(DEBUG),debug,opt))
B	?= build/$(VARIANT)

# --- what is built: explicit lists; a source in none of them fails lint -------
BASE_SRCS = $(addprefix common/base/,arena.c asset.c buf.c caps.c caps_table.c clock.c \
	codec.c fold.c id.c listen.c log.c loop.c redact.c scan_wide.c)
WIRE_SRCS = $(addprefix common/wire/,json.c json_write.c frame.c ir.c media.c \
	server_tool.c server_run.c cite.c estimate.c words.c words_wide.c http1.c refusal.c count.c embed.c \
	ir_response.c ir_name.c loss.c leftover.c answer_loss.c vault.c decoder.c dialect.c convert.c schema.c \
	schema_lower.c \
	dialect_anthropic.c dialect_anthropic_decode.c \
	dialect_anthropic_object.c \
	dialect_anthropic_content.c \
	dialect_anthropic_encode.c dialect_anthropic_turns.c \
	dialect_anthropic_schema.c \
	dialect_anthropic_answer.c dialect_anthropic_write.c \
	dialect_gemini.c dialect_gemini_decode.c dialect_gemini_contents.c \
	dialect_gemini_encode.c dialect_gemini_turns.c \
	dialect_gemini_answer.c dialect_gemini_write.c \
	dialect_gemini_embed.c \
	dialect_openai_format.c dialect_openai_strict.c \
	dialect_openai_chat.c dialect_openai_chat_decode.c \
	dialect_openai_chat_messages.c dialect_openai_chat_encode.c \
	dialect_openai_chat_turns.c dialect_openai_chat_answer.c \
	dialect_openai_chat_write.c \
	dialect_openai_responses.c dialect_openai_responses_decode.c \
	dialect_openai_responses_known.c \
	dialect_openai_responses_encode.c dialect_openai_responses_items.c \
	dialect_openai_responses_answer.c dialect_openai_responses_object.c \
	dialect_openai_responses_write.c)
STATE_SRCS = $(addprefix common/state/,acct.c bodies.c caps_file.c conf.c conf_process.c \
	conf_value.c conf_yaml.c object_field.c object_sealed.c rules.c daemon.c daemon_status.c \
	store_change.c store_diff.c store_revision.c store_settings.c \
	store_export.c store_import.c import_rest.c \
	rule_index.c secret.c shm.c shm_affinity.c shm_keys.c shm_live.c shm_provider.c \
	live_json.c rollup.c row_json.c status_view.c status_json.c \
	snapshot.c snapshot_routes.c store.c \
	store_accounts.c store_admin.c store_conf.c store_keys.c store_log.c store_object.c \
	store_page.c store_prices.c store_provider.c store_refusal.c store_reprice.c store_rollup.c store_seconds.c store_summary.c \
	store_tenants.c snapshot_tenants.c statedb.c \
	statedb_conversation.c statedb_put.c)
POLICY_SRCS = $(addprefix common/policy/,access.c account_limit.c account_view.c headroom.c key_view.c \
	keypick.c limit.c netguard.c \
	pattern.c permit.c price.c provider_call.c route.c route_explain.c \
	route_facts.c route_limits.c route_plan.c route_target.c route_trace.c served.c)
GEN_SRCS = $(addprefix common/state/,caps_gen.c)
COMMON_SRCS = $(wildcard $(BASE_SRCS) $(WIRE_SRCS) $(STATE_SRCS) $(POLICY_SRCS))
PROXYD_SRCS = $(wildcard $(addprefix proxyd/,main.c master.c upgrade.c control.c loader.c \
	worker.c worker_state.c http_in.c http_client.c http_push.c http_out.c \
	http_conn.c inflate.c request.c request_route.c \
	request_params.c request_provider.c request_try.c request_answer.c operator.c \
	request_alive.c request_live.c request_head.c request_op.c request_refusal.c request_vault.c responses.c responses_native.c conversations.c items.c \
	fetch.c queue.c choices.c attempts.c api.c docs.c \
	mock.c logger.c account.c admit.c capture.c))
ADMIND_SRCS = $(wildcard $(addprefix admind/,api_revisions.c \
	main.c api.c assets.c api_logs.c api_stats.c \
	api_tenants.c api_users.c api_lab.c api_objects.c api_requests.c auth.c dry_run.c http.c lab.c live.c lock.c log_export.c rows.c metrics.c operator.c \
	page.c status.c upstream.c))
PROXYCTL_SRCS = $(wildcard $(addprefix proxyctl/,ask.c revisions.c \
	main.c words.c completion.c db.c \
	table.c values.c objects.c models.c keys.c \
	routes.c accounts.c prices.c reprice.c users.c stats.c logs.c \
	call.c probe.c try.c top.c top_view.c \
	live.c daemon.c launch.c foreground.c status.c check.c convert.c route.c \
	route_text.c))
UNIT_SRCS = $(wildcard $(addprefix t/unit/,base.c json.c frame.c http1.c ir.c estimate.c ops.c loop.c \
	dialect_anthropic.c anthropic_answer.c dialect_gemini.c \
	gemini_answer.c loss.c dialect_openai_chat.c \
	dialect_openai_responses.c clients.c openai_clients.c tools.c runs.c matrix.c damage.c pitfalls.c roundtrip.c \
	revisions.c \
	schema.c conf.c store.c objects.c plan.c rule_index.c explain.c health.c secret.c shm.c live.c policy.c \
	netguard.c rows.c reprice.c money.c statedb.c vault.c caps.c))
FUZZ_SRCS = $(wildcard $(addprefix t/fuzz/,json.c frame.c http1.c dialect.c error.c ops.c conf.c))
SCHEMA_SQL = $(sort $(wildcard schema/*.sql))
MANS	= $(wildcard $(addprefix man/,proxyd.8 admind.8 proxyctl.8 app.yml.5 \
	proxyd-schema.5 proxyd-api.7 proxyd-dialects.7 proxyd-routes.7))
HDRS	= $(wildcard common/*/*.h proxyd/*.h admind/*.h proxyctl/*.h t/*.h)
PROGS	= $(if $(PROXYD_SRCS),proxyd) $(if $(ADMIND_SRCS),admind) \
	$(if $(PROXYCTL_SRCS),proxyctl)

# --- libraries --------------------------------------------------------------
PACKAGES = gcc libc6-dev make pkg-config libmicrohttpd-dev \
	libcurl4-gnutls-dev libjansson-dev libyaml-dev libsqlite3-dev \
	libgnutls28-dev zlib1g-dev ca-certificates npm
CHECK_PACKAGES = perl mandoc curl zsh sqlite3 nginx-light gnutls-bin chromium \
	fonts-wqy-microhei \
	valgrind binutils
PKG_COMMON = sqlite3 yaml-0.1 gnutls jansson
PKG	= $(PKG_COMMON) libmicrohttpd libcurl zlib
# Asked when a recipe runs, so that the packages may be installed by then.
PKG_CFLAGS = $(shell pkg-config --cflags $(PKG) 2>/dev/null)
PKG_LIBS   = $(shell pkg-config --libs $(1) 2>/dev/null)

# --- flags ------------------------------------------------------------------
WARN	= -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes \
	  -Wold-style-definition -Wshadow -Wpointer-arith -Wcast-qual \
	  -Wwrite-strings -Wvla -Walloca -Wundef -Wformat=2 -fno-common
OPT	= $(if $(DEBUG),-O0 -g3 -fno-omit-frame-pointer,$(if $(SAN),-O1 -g3 \
	  -fno-omit-frame-pointer,-O2 -g -D_FORTIFY_SOURCE=2 \
	  -fstack-protector-strong))
SANFL	= $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
CPPFLAGS_ALL = -D_GNU_SOURCE -I. -Icommon -It -I$(B)/gen \
	  -include common/base/banned.h $(PKG_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL   = -std=c11 -pthread $(OPT) $(WARN) $(if $(WERROR),-Werror) \
	  $(SANFL) $(CFLAGS)
LDFLAGS_ALL  = -pthread $(SANFL) $(LDFLAGS)

OBJ	= $(patsubst %.c,$(B)/obj/%.o,$(1))
COMMON	= $(B)/libcommon.a
UNITS	= $(patsubst t/unit/%.c,$(B)/t/%.t,$(UNIT_SRCS))
REPLAY	= $(patsubst t/fuzz/%.c,$(B)/t/replay-%,$(FUZZ_SRCS))
BINS	= $(addprefix $(B)/bin/,$(PROGS))
ALLSRC	= $(COMMON_SRCS) $(PROXYD_SRCS) $(ADMIND_SRCS) $(PROXYCTL_SRCS) \
	$(UNIT_SRCS) $(FUZZ_SRCS) $(GEN_SRCS) t/replay.c t/dialects.c t/routes.c \
	t/routes_dialects.c
Q	= $(if $(V),,@)

.PHONY: all run stop check fuzz lint hdr-check man-check src-check deps \
	deps-check install clean FORCE
all: $(BINS)

$(B)/bin/proxyd: $(call OBJ,$(PROXYD_SRCS)) $(COMMON)
$(B)/bin/admind: $(call OBJ,$(ADMIND_SRCS)) $(COMMON)
$(B)/bin/proxyctl: $(call OBJ,$(PROXYCTL_SRCS)) $(COMMON)
$(B)/bin/proxyd: LIBS = $(call PKG_LIBS,$(PKG))
$(B)/bin/admind: LIBS = $(call PKG_LIBS,$(PKG))
$(B)/bin/proxyctl: LIBS = $(call PKG_LIBS,$(PKG_COMMON) libcurl)
$(UNITS) $(REPLAY): LIBS = $(call PKG_LIBS,$(PKG_COMMON))
$(UNITS): $(B)/t/%.t: $(B)/obj/t/unit/%.o $(COMMON)
# The fuzz entry points are always built, so they cannot rot.
$(REPLAY): $(B)/t/replay-%: $(B)/obj/t/fuzz/%.o $(B)/obj/t/replay.o $(COMMON)
# The table of proxyd-dialects(7); "make dialects" writes it anew.
$(B)/t/dialects: $(call OBJ,t/dialects.c) $(COMMON)
$(B)/t/dialects: LIBS = $(call PKG_LIBS,$(PKG_COMMON))
# The routes of both servers, for the test that holds the documents to them.
$(B)/t/routes: $(call OBJ,t/routes.c t/routes_dialects.c \
	    $(filter-out %/main.c,$(ADMIND_SRCS))) \
    $(COMMON)
$(B)/t/routes: LIBS = $(call PKG_LIBS,$(PKG))
.PHONY: dialects
dialects: $(B)/t/dialects
	$(Q)$< man/proxyd-dialects.7 >$(B)/dialects.7 && \
	    cp $(B)/dialects.7 man/proxyd-dialects.7

$(BINS) $(UNITS) $(REPLAY) $(B)/t/dialects $(B)/t/routes:
	@echo "  LD   $@"; mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) $(LDLIBS)

$(COMMON): $(call OBJ,$(COMMON_SRCS))
	@echo "  AR   $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/obj/%.o: %.c $(B)/.flags
	@echo "  CC   $<"; mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<
-include $(patsubst %.c,$(B)/obj/%.d,$(ALLSRC))

# --- embedded files: schema/*.sql as C strings, pages as bytes ----------------
$(call OBJ,common/state/store.c): $(B)/gen/schema_sql.h \
	$(B)/gen/schema_bodies_sql.h $(B)/gen/schema_state_sql.h
$(call OBJ,common/base/asset.c): $(B)/gen/docs_files.h
$(call OBJ,proxyd/docs.c): $(B)/gen/proxyd_openapi.h
$(call OBJ,proxyd/loader.c proxyctl/prices.c): $(B)/gen/prices_yaml.h
$(call OBJ,admind/main.c): $(B)/gen/style_css.h
$(call OBJ,admind/assets.c): $(B)/gen/ui_files.h $(B)/gen/admind_openapi.h

# Each file's own tables: schema/*.sql, schema/bodies/*.sql
$(B)/gen/schema_sql.h: $(SCHEMA_SQL)
$(B)/gen/schema_bodies_sql.h: $(wildcard schema/bodies/*.sql)
$(B)/gen/schema_state_sql.h: $(wildcard schema/state/*.sql)
$(B)/gen/schema_sql.h $(B)/gen/schema_bodies_sql.h \
    $(B)/gen/schema_state_sql.h: Makefile
	@echo "  GEN  $@"; mkdir -p $(@D)
	$(Q){ for f in $(filter %.sql,$^); do \
	    echo "{ \"$$(basename $$f .sql)\","; \
	    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $$f; \
	    echo '},'; done; } >$@

$(B)/gen/%_yaml.h: etc/%.yaml Makefile
	@echo "  GEN  $@"; mkdir -p $(@D)
	$(Q)od -An -v -tu1 $< | sed -e 's/ *\([0-9][0-9]*\)/\1,/g' >$@

$(B)/gen/%_css.h: admind/ui/%.css Makefile
	@echo "  GEN  $@"; mkdir -p $(@D)
	$(Q)od -An -v -tu1 $< | sed -e 's/ *\([0-9][0-9]*\)/\1,/g' >$@

# Files that a program serves, "source=name" each: as they are and compressed, or
# only compressed where they are large; the tag is made of the contents.
embed	= mkdir -p $(@D); \
	bytes() { od -An -v -tu1 | sed -e 's/ *\([0-9][0-9]*\)/\1,/g'; }; \
	n=0; table=; for f in $(2); do n=$$((n + 1)); src=$${f%%=*}; \
	    plain="0, 0"; if [ $$(wc -c <$$src) -lt 1000000 ]; then \
	    echo "static const unsigned char $(1)_plain_$$n[] = {"; \
	    bytes <$$src; echo '};'; \
	    plain="$(1)_plain_$$n, sizeof($(1)_plain_$$n)"; fi; \
	    echo "static const unsigned char $(1)_gzip_$$n[] = {"; \
	    gzip -9nc $$src | bytes; echo '};'; \
	    tag=$$(sha256sum $$src | cut -c1-16); \
	    table="$$table{ \"$${f\#*=}\", \"\\\"$$tag\\\"\", $$plain, \
	    $(1)_gzip_$$n, sizeof($(1)_gzip_$$n) }, "; \
	done >$@; echo "static const struct asset $(1)[] = { $$table };" >>$@

# The web UI and /docs: our own files, and those that npm fetches as the lock
# file says.
UI_OWN	= $(filter-out %/style.css,$(wildcard $(addprefix admind/ui/,*.html *.js \
	*.css *.svg pages/*.js)))
UI_NPM	= build/ui/node_modules
UI_LIBS	= $(UI_NPM)/htm/preact/standalone.module.js=preact.js \
	$(UI_NPM)/uplot/dist/uPlot.iife.min.js=uplot.js \
	$(UI_NPM)/uplot/dist/uPlot.min.css=uplot.css
DOCS_OWN = $(addprefix common/docs/,index.html docs.js theme.js docs.css)
DOCS_LIBS = $(foreach f,swagger-ui-bundle.js swagger-ui.css, \
	$(UI_NPM)/swagger-ui-dist/$f=$f)

build/ui/installed: admind/ui/package.json admind/ui/package-lock.json \
    admind/ui/.npmrc
	@echo "  NPM  $@"; mkdir -p build/ui
	$(Q)cp admind/ui/package.json admind/ui/package-lock.json \
	    admind/ui/.npmrc build/ui/ && cd build/ui && \
	    npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1 || { \
	    cat npm.log >&2; echo "npm cannot fetch the libraries of the web UI \
	    and of /docs" >&2; exit 1; }
	$(Q)touch $@

$(B)/gen/ui_files.h: $(UI_OWN) build/ui/installed Makefile
	@echo "  GEN  $@"
	$(Q)$(call embed,ui_files,$(foreach f,$(UI_OWN),$f=$(f:admind/ui/%=%)) \
	    $(UI_LIBS))

$(B)/gen/docs_files.h: $(DOCS_OWN) build/ui/installed Makefile
	@echo "  GEN  $@"
	$(Q)$(call embed,docs_files,$(foreach f,$(DOCS_OWN),$f=$(notdir $f)) \
	    $(DOCS_LIBS))

# The API of each server: written as YAML, served as JSON.
$(B)/gen/%_openapi.json: %/openapi.yaml common/docs/openapi.mjs \
    build/ui/installed
	@echo "  GEN  $@"; mkdir -p $(@D)
	$(Q)cp common/docs/openapi.mjs build/ui/$(@F).mjs && \
	    node build/ui/$(@F).mjs $< >$@.new && mv $@.new $@
.PRECIOUS: $(B)/gen/%_openapi.json
$(B)/gen/%_openapi.h: $(B)/gen/%_openapi.json Makefile
	@echo "  GEN  $@"
	$(Q)$(call embed,openapi_files,$<=openapi.json)

# What models take: etc/models.yaml as C, by a program made for that from all
# of common but the table itself.
CAPS_GEN = $(B)/gen/caps_gen
$(CAPS_GEN): $(call OBJ,$(GEN_SRCS)) \
	    $(call OBJ,$(filter-out %/caps_table.c,$(COMMON_SRCS)))
	@echo "  LD   $@"; mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(call PKG_LIBS,$(PKG_COMMON)) $(LDLIBS)
$(B)/gen/models_caps.h: etc/models.yaml $(CAPS_GEN)
	@echo "  GEN  $@"
	$(Q)$(CAPS_GEN) $< >$@.new && mv $@.new $@
$(call OBJ,common/base/caps_table.c): $(B)/gen/models_caps.h

# Rewritten only when it differs, so a changed flag rebuilds and nothing else.
FLAGS_LINE = $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)
$(B)/.flags: FORCE
	@mkdir -p $(@D); echo '$(FLAGS_LINE)' | cmp -s - $@ || \
	    echo '$(FLAGS_LINE)' >$@

# --- Debian packages ----------------------------------------------------------
# None of them starts a service: a policy says so while they are installed.
SUDO	= $(if $(filter 0,$(shell id -u)),,sudo )
define install_packages
	@[ "$(DEPS)" = 0 ] && exit 0; missing=; for p in $(1); do \
	    case $$p in nodejs|npm) c=$${p%js}; command -v $$c >/dev/null && \
	    continue;; esac; \
	    dpkg-query -W -f '$${db:Status-Status}\n' $$p 2>/dev/null | \
	    grep -qx installed || missing="$$missing $$p"; done; \
	[ -z "$$missing" ] && exit 0; \
	command -v apt-get >/dev/null || { echo "please install:$$missing" >&2; \
	    exit 1; }; \
	echo "installing Debian packages:$$missing"; \
	policy=/usr/sbin/policy-rc.d; \
	if [ ! -e $$policy ]; then trap "$(SUDO)rm -f $$policy" EXIT; \
	    printf '#!/bin/sh\nexit 101\n' | $(SUDO)tee $$policy >/dev/null; \
	    $(SUDO)chmod 755 $$policy; fi; \
	$(SUDO)apt-get -q update >/dev/null && \
	$(SUDO)env DEBIAN_FRONTEND=noninteractive apt-get -q install -y \
	    --no-install-recommends $$missing >/dev/null
endef
deps:
	$(call install_packages,$(PACKAGES))
deps-check:
	$(call install_packages,$(PACKAGES) $(CHECK_PACKAGES))

# --- start and stop -------------------------------------------------------------
run: deps
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all
	$(Q)$(B)/bin/proxyctl start --all

stop:
	$(Q)$(B)/bin/proxyctl stop

# --- checks ---------------------------------------------------------------------
check: deps-check
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) check-programs
	$(Q)BUILDDIR=$(abspath $(B)) prove -j$$(nproc) $(PROVE_OPTS) -It/lib \
	    $(or $(T),$(UNITS) $(wildcard t/*.t))

# The coding agents themselves: 1.2 GB from npm, into build/agents.
.PHONY: check-agents
check-agents: deps-check
	$(call install_packages,nodejs npm util-linux iproute2)
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) check-programs
	$(Q)BUILDDIR=$(abspath $(B)) prove -v $(PROVE_OPTS) -It/lib \
	    t/agents/agents.t

# The pictures of the READMEs, when pages have changed.
.PHONY: screens
screens: check-programs
	$(call install_packages,pngquant)
	$(Q)BUILDDIR=$(abspath $(B)) perl -It/lib t/ui/screens.pl

.PHONY: check-programs
check-programs: all $(UNITS) $(REPLAY) $(B)/t/dialects $(B)/t/routes \
	$(B)/bench/pure $(B)/bench/decide $(B)/bench/tenants

lint: deps-check hdr-check man-check src-check
hdr-check:
	$(Q)for h in $(HDRS); do \
	    $(CC) $(CPPFLAGS_ALL) -std=c11 $(WARN) -Werror -fsyntax-only \
	    -x c -include $$h /dev/null || exit 1; done
man-check:
	$(Q)! mandoc -Tlint -Wstyle $(MANS) 2>&1 | \
	    grep -v 'referenced manual not found\|outdated mandoc.db'
# Every source is in a list above.
src-check:
	$(Q)for f in common/*/*.c proxyd/*.c admind/*.c proxyctl/*.c \
	    t/unit/*.c t/fuzz/*.c t/replay.c; do \
	    case " $(ALLSRC) " in *" $$f "*) ;; \
	    *) echo "$$f: in no list of the Makefile"; exit 1;; esac; done

FUZZ_SECONDS ?= 60
fuzz: deps
	$(call install_packages,clang libclang-rt-14-dev)
	$(Q)mkdir -p build/fuzz
	$(Q)for f in $(FUZZ_SRCS); do n=$$(basename $$f .c); \
	    clang $(CPPFLAGS_ALL) -std=c11 -O1 -g \
	    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    -o build/fuzz/$$n \
	    $$f $(COMMON_SRCS) $(call PKG_LIBS,$(PKG_COMMON)) || exit 1; \
	    mkdir -p build/fuzz/corpus-$$n; \
	    build/fuzz/$$n -max_total_time=$(FUZZ_SECONDS) \
	    -artifact_prefix=build/fuzz/ \
	    build/fuzz/corpus-$$n t/fuzz/corpus/$$n || exit 1; done

# --- installation -----------------------------------------------------------------
install: all
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR) \
	    $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(MANDIR)/man5 \
	    $(DESTDIR)$(MANDIR)/man7 \
	    $(DESTDIR)$(DATADIR) $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR)
	install -m 755 $(filter-out %/proxyctl,$(BINS)) $(DESTDIR)$(SBINDIR)
	install -m 755 $(filter %/proxyctl,$(BINS)) $(DESTDIR)$(BINDIR)
	install -m 644 $(filter %.8,$(MANS)) $(DESTDIR)$(MANDIR)/man8
	install -m 644 $(filter %.5,$(MANS)) $(DESTDIR)$(MANDIR)/man5
	install -m 644 $(filter %.7,$(MANS)) $(DESTDIR)$(MANDIR)/man7
	install -m 644 etc/app.yml $(DESTDIR)$(DATADIR)/app.yml.sample
	$(B)/bin/proxyctl completion bash >$(DESTDIR)$(BASHDIR)/proxyctl
	$(B)/bin/proxyctl completion zsh >$(DESTDIR)$(ZSHDIR)/_proxyctl
	chmod 644 $(DESTDIR)$(BASHDIR)/proxyctl $(DESTDIR)$(ZSHDIR)/_proxyctl
	for f in proxyd admind; do \
	    sed 's,/usr/local/sbin,$(SBINDIR),' etc/$$f.service \
	    >$(DESTDIR)$(DATADIR)/$$f.service && \
	    chmod 644 $(DESTDIR)$(DATADIR)/$$f.service || exit 1; done

clean:
	rm -rf build

# --- benchmarks: t/bench/README.md --------------------------------------------------
BENCH_PACKAGES = $(CHECK_PACKAGES) wrk util-linux
BENCH_SRCS = $(addprefix t/bench/,upstream.c canned.c stream.c pure.c rows.c \
	tenants.c decide.c)
BENCH	= $(addprefix $(B)/bench/,upstream stream pure rows tenants decide)

$(B)/bench/upstream: $(call OBJ,t/bench/upstream.c t/bench/canned.c) $(COMMON)
$(B)/bench/stream: $(call OBJ,t/bench/stream.c)
$(B)/bench/pure: $(call OBJ,t/bench/pure.c) $(COMMON)
$(B)/bench/rows: $(call OBJ,t/bench/rows.c) $(COMMON)
$(B)/bench/rows: LIBS = $(call PKG_LIBS,$(PKG_COMMON))
$(B)/bench/tenants: $(call OBJ,t/bench/tenants.c) $(COMMON)
$(B)/bench/tenants: LIBS = $(call PKG_LIBS,$(PKG_COMMON))
$(B)/bench/decide: $(call OBJ,t/bench/decide.c) $(COMMON)
$(B)/bench/decide: LIBS = $(call PKG_LIBS,$(PKG_COMMON))
$(B)/bench/pure: LIBS = $(call PKG_LIBS,$(PKG_COMMON))
$(BENCH):
	@echo "  LD   $@"; mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) $(LDLIBS)
-include $(patsubst %.c,$(B)/obj/%.d,$(BENCH_SRCS))

.PHONY: bench bench-quick soak bench-programs
bench-programs: $(BENCH) $(B)/bin/proxyd

bench bench-quick soak:
	$(call install_packages,$(PACKAGES) $(BENCH_PACKAGES))
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) bench-programs
	$(Q)BUILDDIR=$(abspath $(B)) perl -It/lib -It/bench t/bench/bench.pl \
	    $(if $(filter bench-quick,$@),--quick,$(if $(filter soak,$@),--soak \
	    )) $(BENCH_OPTS)
