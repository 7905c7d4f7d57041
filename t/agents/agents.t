#!/usr/bin/perl

# Coding agents without a head, each through proxyd to a provider of each other
# dialect: it says something, is told to run a command, runs it, reports what
# that said, and prints the last words.  Agents hide what is wrong by asking
# again, or without a stream: so the requests are counted.
#
# All of it runs in a network of its own, in which there is only loopback.
# AGENTS=claude,gemini DIALECTS=anthropic narrows it.

use strict;
use warnings;
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Gateway;
use JSON::PP;
use Npm qw(npm_missing npm_install);
use SdkScripts;
use Test::More;
use Upstream;

my @dialects = qw(openai-chat openai-responses anthropic gemini);
my $build = dirname($ENV{BUILDDIR} // 'build/opt');
my $dir = "$build/agents";

if (!$ENV{AGENTS_ALONE}) {
	my $why = npm_missing(20) // npm_install('t/agents', $dir, 1);

	plan skip_all => "the agents cannot be installed: $why" if $why;
	plan skip_all => 'unshare or ip is missing, or may not be used'
	    if system("unshare -rn ip link set lo up 2>/dev/null") != 0;
	$ENV{AGENTS_ALONE} = 1;
	exec 'unshare', '-rn', 'sh', '-c', 'ip link set lo up && exec "$@"',
	    'sh', $^X, (map { "-I$_" } @INC), $0 or die "unshare: $!";
}

# The tool that runs commands, by the agents' names, and its arguments.
my %shell = (
	Bash => sub { { command => $_[0], description => 'Prove it' } },
	bash => sub { { command => $_[0], description => 'Prove it' } },
	exec_command => sub { { cmd => $_[0] } },
	shell_command => sub { { command => $_[0] } },
	run_shell_command => sub { { command => $_[0],
	    description => 'Prove it' } },
);
# The proof is not in the command; no substitutions, which some refuse.
my $command = 'seq 42 42 | sed "s/^/proof-/" | tee ran';
my $proof = 'proof-42';
my $last = "The command said so, \x{4f60}\x{597d}.";

# Names of the tools offered, whatever the dialect.
sub offered {
	my ($b) = @_;

	return map { $_->{functionDeclarations} ?
	    map({ $_->{name} } @{ $_->{functionDeclarations} }) :
	    $_->{name} // $_->{function}{name} // () } @{ $b->{tools} // [] };
}

sub script {
	my ($dialect) = @_;

	return sub {
		my ($req) = @_;
		my $raw = Upstream::body_of($req);
		my $b = eval { Upstream::json_of($req) } // {};
		my $stream = $b->{stream} || $req->{path} =~ /:stream/;
		my ($tool) = grep { $shell{$_} } offered($b);

		return reply_of($dialect, { text => $last }, $stream)
		    if $raw =~ /\Q$proof\E/ || !$tool;
		return reply_of($dialect, { text => 'Let me look.', calls =>
		    [ [ 'call_a1', $tool, $shell{$tool}->($command) ] ] },
		    $stream);
	};
}

my %up = map { $_ => Upstream->new(script($_)) } @dialects;
my $g = Gateway->new(config => "PROVIDERS:\n" . join('', map { <<"EOT" }
  p-$_:
    dialect: $_
    base_url: ${\$up{$_}->base}
    keyless: true
EOT
    @dialects) . "MODELS:\n" . join('', map { <<"EOT" } @dialects));
  - route_key: at-$_
    target_model: ${\model_of($_)}
    provider: p-$_
EOT

# --- the agents -----------------------------------------------------------------

sub spew {
	my ($name, $text) = @_;

	make_path(dirname($name));
	open my $f, '>', $name or die "$name: $!";
	print $f $text;
	close $f or die "$name: $!";
}

my $ask = 'Run the command that proves it.';
my $base = $g->url('');

# Each: dialect, and what gives [environment], [command] for a home and a model.
my %agent = (
	claude => [ 'anthropic', sub {
		my ($home, $model) = @_;
		return ([ "ANTHROPIC_BASE_URL=$base", 'ANTHROPIC_API_KEY=sk-x',
		    "ANTHROPIC_MODEL=$model", 'DISABLE_AUTOUPDATER=1',
		    'CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1',
		    'CLAUDE_CODE_MAX_RETRIES=0' ],
		    [ 'claude', '-p', $ask, '--allowedTools', 'Bash' ]);
	} ],
	codex => [ 'openai-responses', sub {
		my ($home, $model) = @_;
		return ([ 'SUT_KEY=sk-x' ], [ qw(codex exec
		    --skip-git-repo-check --ephemeral --color never -m),
		    $model, qw(-c model_provider=sut -c),
		    "model_providers.sut={name=\"sut\",base_url=\"$base/v1\","
		    . 'env_key="SUT_KEY",wire_api="responses",'
		    . 'request_max_retries=0,stream_max_retries=0}',
		    qw(-c check_for_update_on_startup=false
		    -c analytics.enabled=false --disable plugins --disable apps
		    --dangerously-bypass-approvals-and-sandbox), $ask ]);
	} ],
	gemini => [ 'gemini', sub {
		my ($home, $model) = @_;
		spew("$home/.gemini/settings.json", '{"security":{"auth":'
		    . '{"selectedType":"gemini-api-key"}},"privacy":'
		    . '{"usageStatisticsEnabled":false},"general":'
		    . '{"enableAutoUpdate":false}}');
		return ([ 'GEMINI_API_KEY=sk-x',
		    "GOOGLE_GEMINI_BASE_URL=$base" ],
		    [ 'gemini', '-m', $model, '--yolo', '--skip-trust', '-p',
		    $ask ]);
	} ],
	map { opencode($_) } [ 'openai-chat', 'openai-compatible', 'v1' ],
	    [ 'openai-responses', 'openai', 'v1' ],
	    [ 'anthropic', 'anthropic', 'v1' ], [ 'gemini', 'google', 'v1beta' ]
);

sub opencode {
	my ($dialect, $sdk, $path) = @{ $_[0] };

	return ("opencode-$dialect" => [ $dialect, sub {
		my ($home, $model) = @_;
		spew("$home/work/opencode.json", JSON::PP->new->encode({
		    provider => { sut => { npm => "\@ai-sdk/$sdk",
		    options => { baseURL => "$base/$path", apiKey => 'sk-x' },
		    models => { $model => { limit => { context => 100000,
		    output => 8000 } } } } } }));
		return ([ 'OPENCODE_DISABLE_AUTOUPDATE=1',
		    'OPENCODE_DISABLE_MODELS_FETCH=1' ],
		    [ qw(opencode run -m), "sut/$model", '--title', 't',
		    $ask ]);
	} ]);
}

# Runs one; returns what it printed.
sub run {
	my ($name, $home, $model) = @_;
	my ($env, $cmd) = $agent{$name}[1]->($home, $model);
	my ($program, @args) = @$cmd;

	make_path("$home/work", "$home/tmp");
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$home/out" or die;
		open STDERR, '>', "$home/err" or die;
		chdir "$home/work" or die;
		exec 'timeout', '-k', 5, 90, 'env', '-i', "HOME=$home",
		    "PATH=/usr/bin:/bin", "TMPDIR=$home/tmp", 'TERM=dumb',
		    'LANG=C.UTF-8', @$env,
		    "$dir/node_modules/.bin/$program", @args;
		die;
	}
	waitpid $pid, 0;
	return $?;
}

sub slurp {
	open my $f, '<:raw', $_[0] or return '';
	local $/;
	return scalar <$f> // '';
}

sub check {
	my ($name, $to) = @_;
	my $what = "$name to $to";
	my $home = tempdir('agent-XXXXXX', DIR => $dir, CLEANUP => 1);

	$up{$to}->forget;
	$home = "$ENV{PWD}/$home" if $home !~ m{^/};
	my $status = run($name, $home, "at-$to");
	my @rq = grep { $_->{event} eq 'request' } $up{$to}->requests;
	my $ran = -e "$home/work/ran";
	my $out = slurp("$home/out");

	is($status, 0, "$what: ends well");
	is(scalar @rq, 2, "$what: two requests");
	is(scalar(grep { my $b = Upstream::json_of($_); $b->{stream} ||
	    $_->{path} =~ /:stream/ } @rq), scalar @rq, "$what: all streams");
	ok($ran, "$what: the command ran");
	ok(@rq && Upstream::body_of($rq[-1]) =~ /$proof/,
	    "$what: its output arrived");
	utf8::decode($out);
	ok(index($out, $last) >= 0, "$what: prints the last words") or
	    diag "stdout: $out\nstderr: " .
	    substr(slurp("$home/err"), 0, 2000) . join '', map {
	    "\n$_->{method} $_->{path} " . substr(Upstream::body_of($_), 0,
	    300) } @rq;
}

$dir = "$ENV{PWD}/$dir" if $dir !~ m{^/};
my %only = map { $_ => 1 } split /,/, $ENV{AGENTS} // '';
my %towards = map { $_ => 1 } split /,/, $ENV{DIALECTS} // '';
for my $name (sort keys %agent) {
	next if %only && !$only{$name};
	for my $to (@dialects) {
		next if $to eq $agent{$name}[0] || %towards && !$towards{$to};
		check($name, $to);
	}
}
$g->finish;
done_testing;
