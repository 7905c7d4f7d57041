#!/usr/bin/perl

# What the READMEs tell people to paste works as pasted: each curl line against
# the mock, or a scripted provider; each app.yml loads.

use strict;
use warnings;
use utf8;
use Client;
use Encode qw(encode_utf8 decode_utf8);
use Extract;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

plan skip_all => 'curl is not installed' unless `curl --version 2>/dev/null`;
delete @ENV{qw(http_proxy HTTP_PROXY all_proxy ALL_PROXY)};
$ENV{no_proxy} = '*';

sub blocks {
	my ($file, $kind) = @_;
	open my $f, '<:raw', $file or die "$file: $!";
	local $/;
	my $text = <$f>;
	return $text =~ /^```$kind\n(.*?)^```$/msg;
}

# Commands of a file; a backslash goes on in the next line.
sub commands { map { s/\\\n\s*//gr =~ /^(curl .*)$/mg } blocks($_[0], 'sh') }

my $up = Upstream->new(sub { answer_for($_[0]) });
my $g = Gateway->new(config => config_for($up));
my $port = $g->port;

sub run_it {
	my ($command) = @_;

	$command =~ s/127\.0\.0\.1:8000/127.0.0.1:$port/
	    or return (0, 'not on 127.0.0.1:8000');
	open my $p, '-|', 'sh', '-c', $command .
	    q( -sS -o - -w '\n%{http_code}') or die "sh: $!";
	local $/;
	my $said = <$p> // '';
	close $p;
	my ($body, $status) = $said =~ /\A(.*)\n(\d+)\z/s;
	return ($status // 0, $body // $said);
}

sub last_text {
	my ($body) = @_;
	my $m = ($body->{messages} // $body->{contents})->[-1];

	return $m->{parts} ? $m->{parts}[-1]{text} : $m->{content};
}

sub ask {
	my ($name, $command) = @_;
	my ($path) = $command =~ m{127\.0\.0\.1:8000(\S+)};
	my ($data) = $command =~ /-d '([^']*)'/;
	my ($status, $body) = run_it($command);

	is($status, 200, "$name: 200") or diag $body;
	if (!defined $data) {
		ok(eval { decode_json($body) }, "$name: JSON") or diag $body;
		return;
	}
	my $json = decode_json($data);
	my $mock = ($json->{model} // $path) =~ /mock-/;
	my $dialect = $path =~ m{/(messages|anthropic/)} ? 'anthropic' :
	    $path =~ /:|gemini/ ? 'gemini' : 'openai-chat';
	my $x = Extract::extract($dialect, $body, $json->{stream});
	is($x->{text}, $mock ? last_text($json) : "Bonjour \x{4f60}\x{597d}!",
	    "$name: the text, in the path's dialect") or diag $body;
	is($x->{stop}, 'end', "$name: the end");
	return if $mock;
	my ($asked) = (grep { $_->{event} eq 'request' } $up->requests)[-1];
	like($asked->{path}, $json->{model} =~ /claude/ ? qr{^/v1/messages$} :
	    qr{^/v1beta/models/gemini-pro:}, "$name: by the right provider");
}

for my $file (qw(README.md README.zh-CN.md)) {
	my @commands = commands($file);
	ok(@commands >= 8, "$file: there are commands");
	my $n = 0;
	for my $command (@commands) {
		$n++;
		ask("$file, curl $n", $command);
		next if $command !~ /"messages"/ || $command =~ /"stream"/;
		$command =~ s/\}'$/,"stream":true}'/;
		ask("$file, curl $n, streaming", $command);
	}
	is(scalar(grep { /mock-echo/ } @commands), 3, "$file: three mock ones");
}
$g->finish;

# The lines that ask the log, on this gateway's database.
SKIP: {
	skip 'sqlite3 is not installed', 2 unless `sqlite3 -version 2>/dev/null`;
	for my $file (qw(README.md README.zh-CN.md)) {
		my ($line) = map { /^(sqlite3 .*)$/mg } blocks($file, 'sh');
		my $db = $g->db;
		$line =~ s{var/proxyd\.db}{$db};
		like(scalar `$line`, qr/gemini-pro.*gemini/s,
		    "$file: the log is shown");
	}
}

# Each sample of a configuration.
for my $file (qw(README.md README.zh-CN.md)) {
	for my $yaml (blocks($file, 'yaml')) {
		my $h = Gateway->new(config => $yaml, may_fail => 1);
		is($h->{error}, undef, "$file: app.yml loads");
		$h->finish("$file: app.yml") if $h->{pid};
	}
}

# What is run without a service.
SKIP: {
	my $ctl = Gateway::bindir() . '/proxyctl';
	my ($line) = map { /^(echo .*convert.*)$/mg }
	    blocks('README.md', 'sh');
	skip 'proxyctl is not built', 2 unless -x $ctl;
	$line =~ s{\S+/proxyctl}{$ctl};
	my $out = `$line 2>/dev/null`;
	is($?, 0, 'convert: exit status');
	is(eval { last_text(decode_json($out)) =~ /Hello!/ ? 1 :
	    decode_json($out)->{messages}[0]{content}[0]{text} eq 'Hello!' },
	    1, 'convert: an Anthropic body') or diag $out;
}

# Links to files lead somewhere.
for my $file (qw(README.md README.zh-CN.md DESIGN.md RECIPES.md RECIPES.zh-CN.md)) {
	open my $f, '<', $file or die;
	local $/;
	my @gone = grep { !m{^(?:https?://|#)} && !-e } <$f> =~ /\]\(([^)]+)\)/g;
	is("@gone", '', "$file: links");
}

done_testing;
