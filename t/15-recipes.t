#!/usr/bin/perl

# Each recipe, in both languages, as it stands: its app.yml is loaded, its
# commands are run by a shell, and what a client asks arrives at the provider
# that the recipe says.  Agents are played by a script that reads the settings
# which the recipe gives them; t/agents has the real ones.

use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use Encode qw(decode_utf8);
use File::Path qw(make_path);
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);
for (qw(curl sqlite3)) {
	plan skip_all => "$_ is not installed"
	    unless `$_ --version 2>/dev/null`;
}
my $bin = abs_path(Gateway::bindir());
plan skip_all => 'proxyctl is not built' unless -x "$bin/proxyctl";
delete @ENV{qw(http_proxy HTTP_PROXY all_proxy ALL_PROXY PROXYD_HOME)};
$ENV{no_proxy} = '*';

# By recipe, in the order of the pages: the path and model of the last
# request to a provider, what the first one was, what the commands say together.
my $gemini = qr{^/v1beta/models/gemini-};
my %claude = (last => qr{^/v1/messages$}, model => 'claude-sonnet-5');
my @want = (
	{ last => qr{${gemini}2\.5-pro:stream}, said => qr/Bonjour/ },
	{ %claude, said => qr/Bonjour/ },
	{ last => qr{/responses$|/chat/completions$}, model => 'gpt-5.5' },
	{ %claude, said => qr/chat\.completion\.chunk.*\[DONE\]/s },
	{ last => qr{/chat/completions$}, model => 'qwen3', said =>
	    qr/"type":"message".*Bonjour/ },
	{ last => qr{/responses$|/chat/completions$}, model => 'gpt-5.5',
	    after => qr{^/v1/messages}, said => qr/"type":"message"/ },
	{ %claude, said => qr/Bonjour.*team-a/s },
	{ last => qr{${gemini}2\.5-flash:}, said => qr/Bonjour/ },
	{ last => qr{${gemini}2\.5-flash:}, said => qr/Bonjour/ },
	{ last => qr{/responses$|/chat/completions$}, model => 'gpt-5.5',
	    said => qr/team's account|团队账号/ },
	{ %claude, said => qr/x-proxyd-loss: dropped seed.*"max_tokens"/s },
);

sub slurp {
	my ($file) = @_;
	open my $f, '<:raw', $file or die "$file: $!";
	local $/;
	return scalar <$f>;
}

sub responses_sse {
	my ($stream) = @_;
	my %r = (id => 'resp_1', object => 'response', created_at => 1, model =>
	    'gpt-5.5', status => 'completed', output => [{ type => 'message',
	    id => 'msg_1', role => 'assistant', status => 'completed',
	    content => [{ type => 'output_text', text => 'Bonjour',
	    annotations => [] }] }], usage => { input_tokens => 3,
	    output_tokens => 1, total_tokens => 4 });
	return json_text(\%r);
}

my $up = Upstream->new(sub {
	my ($req) = @_;

	return [reply => 529, { 'Content-Type' => 'application/json' },
	    json_text({ type => 'error', error => { type =>
	    'overloaded_error', message => 'Overloaded' } })]
	    if ($req->{headers}{'x-api-key'} // '') =~ /-key-\d$/;
	return [reply => 200, { 'Content-Type' => 'application/json' },
	    responses_sse()] if $req->{path} =~ m{/responses$};
	return answer_for($req);
});

# What agents do with their settings: one turn, streamed.
my $agent = <<'EOT';
use strict; use warnings; use HTTP::Tiny; use JSON::PP;
my ($name) = $0 =~ m{([^/]+)$};
my ($url, $body, %h);
if ($name eq 'claude') {
	$url = "$ENV{ANTHROPIC_BASE_URL}/v1/messages?beta=true";
	$h{Authorization} = "Bearer $ENV{ANTHROPIC_AUTH_TOKEN}";
	$h{'anthropic-version'} = '2023-06-01';
	$body = { model => $ENV{ANTHROPIC_MODEL}, max_tokens => 100, stream =>
	    JSON::PP::true, messages => [{ role => 'user', content => 'x' }] };
} elsif ($name eq 'codex') {
	open my $f, '<', 'config.toml' or die; local $/; my $t = <$f>;
	my %t = $t =~ /^(\w+) = "(.*)"$/mg;
	die "codex: $t{wire_api}, $t{model_provider}"
	    unless $t{wire_api} eq 'responses' &&
	    $t =~ /^\[model_providers\.\Q$t{model_provider}\E\]$/m;
	$url = "$t{base_url}/responses";
	$h{Authorization} = "Bearer $ENV{$t{env_key}}";
	$body = { model => $t{model}, stream => JSON::PP::true, input => [{
	    type => 'message', role => 'user', content => [{ type =>
	    'input_text', text => 'x' }] }] };
} else {
	$url = "$ENV{GOOGLE_GEMINI_BASE_URL}/v1beta/models/$ARGV[1]" .
	    ':streamGenerateContent?alt=sse';
	$h{'x-goog-api-key'} = $ENV{GEMINI_API_KEY};
	$body = { contents => [{ role => 'user', parts => [{ text => 'x' }] }] };
}
my $r = HTTP::Tiny->new->post($url, { content => encode_json($body), headers =>
    { %h, 'Content-Type' => 'application/json' } });
print "$r->{status} $r->{content}\n";
exit !$r->{success};
EOT

# A recipe's commands, by a shell: status, and all that was said.
sub run_it {
	my ($g, $sh) = @_;
	my $dir = "$g->{home}/agents";
	my $port = $g->port;

	make_path($dir);
	for my $name (qw(claude codex gemini)) {
		open my $f, '>', "$dir/$name" or die;
		print $f "#!$^X\n$agent";
		close $f;
		chmod 0755, "$dir/$name" or die;
	}
	open my $f, '>:raw', "$dir/run" or die;
	# A change is seen, and a row written, in less than a second: by people
	# before they look.
	print $f "set -e\ncurl() { command curl -sS --fail-with-body \"\$@\"; }\n",
	    "sql() { sqlite3 -cmd '.timeout 10000' proxyd.db \"\$1\"; }\n",
	    "proxyctl() { case \$1 in stats) until [ \$(sql 'SELECT count(*) " .
	    "FROM rollups WHERE dim = 4') -gt 0 ]; do :; done;; esac; " .
	    "command proxyctl \"\$@\"; n=\$(sql " .
	    "'SELECT generation FROM meta'); " .
	    "until command curl -sS http://127.0.0.1:$port/healthz | grep " .
	    "-q '\"generation\":'\$n,; do :; done; }\n",
	    $sh =~ s/127\.0\.0\.1:8000/127.0.0.1:$port/gr;
	close $f;
	local %ENV = (%ENV, PATH => "$dir:$bin:$ENV{PATH}", PROXYD_HOME =>
	    $g->{home});
	my $said = `cd $g->{home} && sh $dir/run 2>&1`;
	return ($?, decode_utf8($said));
}

# The gateway of a recipe, with our provider behind all names.
sub gateway {
	my ($yaml) = @_;
	my $base = $up->base;
	my $g = Gateway->new(config => $yaml, may_fail => 1,
	    args => ['-w', 1]);

	is($g->{error}, undef, 'app.yml loads') or return;
	system('sqlite3', '-cmd', '.timeout 10000', $g->db, "UPDATE providers
	    SET base_url = '$base' WHERE name <> 'mock'; UPDATE meta SET
	    generation = generation + 1;") == 0 or die 'sqlite3';
	my ($m) = $g->sql('SELECT generation AS g FROM meta');
	ok($g->wait_for(sub { Client->once($g->port, GET => '/healthz')
	    ->{body} =~ /"generation":$m->{g}\b/ }), 'our provider') or return;
	return $g;
}

require Client;
for my $file (qw(RECIPES.md RECIPES.zh-CN.md)) {
	my @recipes = split /^## /m, slurp($file);
	shift @recipes;
	is(scalar @recipes, scalar @want, "$file: each is expected here");
	for my $i (0 .. $#recipes) {
		my ($title) = decode_utf8($recipes[$i]) =~ /^(.*)$/m;
		my $w = $want[$i];
		my %block;
		push @{ $block{$1} }, $2 while $recipes[$i] =~
		    /^```(\w+)\n(.*?)^```$/msg;
		subtest "$file: $title" => sub {
			is(scalar @{ $block{yaml} }, 1, 'one app.yml');
			my $g = gateway($block{yaml}[0]) or return;
			my $n = scalar $up->requests;
			if ($block{toml}) {
				open my $f, '>:raw', "$g->{home}/config.toml"
				    or die;
				print $f $block{toml}[0] =~
				    s/127\.0\.0\.1:8000/'127.0.0.1:' .
				    $g->port/ger;
				close $f;
			}
			my ($status, $said) = run_it($g, join '',
			    @{ $block{sh} });
			is($status, 0, 'its commands do what they say')
			    or diag $said;
			like($said, $w->{said} // qr/./, 'and tell it');
			my @asked = grep { $_->{event} eq 'request' }
			    ($up->requests)[$n .. scalar($up->requests) - 1];
			ok(scalar @asked, 'a provider was asked') or return;
			like($asked[-1]{path} =~ s/\?.*//r, $w->{last},
			    '... the right one');
			is(Upstream::json_of($asked[-1])->{model}, $w->{model},
			    '... for the right model') if $w->{model};
			like($asked[0]{path}, $w->{after}, 'after another')
			    if $w->{after};
			$g->finish;
		};
	}
}
done_testing;
