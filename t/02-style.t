#!/usr/bin/perl

# What the sources promise each other: sizes, who may include what, that every
# source is in a list of the Makefile, a guard in every header.

use strict;
use warnings;
use Test::More;

my $function_max = 100;		# lines, from its name to its brace
my $file_max = 1200;

my @files = grep { -f } map { glob "$_/*.[ch]" } qw(common/base common/wire
    common/state common/policy proxyd admind proxyctl);
my @tests = grep { -f } map { glob } qw(t/*.[ch] t/unit/*.[ch] t/fuzz/*.[ch]);

sub slurp {
	my ($file) = @_;

	open my $f, '<:raw', $file or die "$file: $!";
	local $/;
	return scalar <$f>;
}

my %text = map { $_ => slurp($_) } @files, @tests, 'Makefile';

# Every complaint, or nothing.
sub none {
	my ($name, @bad) = @_;

	is(join("\n", @bad), '', $name);
}

# A file's functions: [name, line, lines].  KNF has a name, or the end of its
# arguments, before a brace in the first column.
sub functions {
	my ($text) = @_;
	my (@found, $name, $begin);
	my $n = 0;

	for (split /\n/, $text) {
		$n++;
		($name, $begin) = ($1, $n) if /^(\w+)\(/;
		next unless /^\}/ && defined $name;
		push @found, [$name, $begin, $n - $begin + 1];
		$name = undef;
	}
	return @found;
}

my @functions = map { my $f = $_; map { [$f, @$_] } functions($text{$f}) }
    grep { /\.c$/ } @files;
cmp_ok(scalar @functions, '>', 500, 'functions are found: ' . @functions);
none("no function is longer than $function_max lines", map {
    "$_->[0]:$_->[2]: $_->[1] has $_->[3] lines" }
    grep { $_->[3] > $function_max } @functions);
none("no file is longer than $file_max lines", map {
    my $n = () = $text{$_} =~ /\n/g;
    $n > $file_max ? "$_ has $n lines" : () } @files);

sub grep_lines {
	my ($re, @in) = @_;
	my @hits;

	for my $f (@in) {
		my $n = 0;
		for (split /\n/, $text{$f}) {
			$n++;
			push @hits, "$f:$n: $_" if /$re/;
		}
	}
	return @hits;
}

none('nothing is left to be done', grep_lines(
    qr/\b(?:TODO|FIXME|XXX|HACK)\b/, @files, @tests, 'Makefile'));
none('no space ends a line', grep_lines(qr/[ \t]$/, @files, @tests));
none('no line is longer than 100 columns', grep_lines(qr/^.{101}/,
    map { $text{$_} =~ s/^(\t+)/' ' x (8 * length $1)/gemr ? $_ : () }
    @files));
none('every file ends in a line end', grep { $text{$_} !~ /\n\z/ } @files,
    @tests);

# --- rooms ----------------------------------------------------------------------

# What each may include of the others.
my %room = (
	'common/base' => [qw(base)],
	'common/wire' => [qw(base wire)],
	'common/state' => [qw(base wire state)],
	'common/policy' => [qw(base wire state policy)],
	proxyd => [qw(base wire state policy proxyd)],
	admind => [qw(base wire state policy admind)],
	proxyctl => [qw(base wire state policy proxyctl)],
);

sub includes {
	my ($file) = @_;

	return $text{$file} =~ /^[ \t]*#[ \t]*include[ \t]+([<"][^>"]+)[>"]/mg;
}

for my $room (sort keys %room) {
	my %may = map { $_ => 1 } @{ $room{$room} };
	none("$room includes @{ $room{$room} }", map { my $f = $_;
	    map { m{^"(\w+)/} && !$may{$1} ? "$f includes $_\"" : () }
	    includes($f) } grep { m{^$room/} } @files);
}

# Each library has one door.
my %door = (
	'microhttpd.h' => [qw(admind/http.c proxyd/http_in.c)],
	'curl/curl.h' => [qw(admind/upstream.c proxyctl/call.c
	    proxyd/http_out.c)],
	'yaml.h' => [qw(common/state/conf_yaml.c)],
	'gnutls/gnutls.h' => [qw(common/state/secret.c)],
	'gnutls/crypto.h' => [qw(common/state/secret.c)],
	'sqlite3.h' => [qw(common/state/store.c)],
	'zlib.h' => [qw(proxyd/inflate.c)],
);

for my $h (sort keys %door) {
	is_deeply([sort grep { grep { $_ eq "<$h" } includes($_) } @files],
	    $door{$h}, "$h is included by @{ $door{$h} }");
}
none('no other header of theirs', map { my $f = $_; map {
    m{^<((?:microhttpd|curl/|yaml|gnutls/|sqlite3|zlib)\S*)} && !$door{$1} ?
    "$f includes $1" : () } includes($f) } @files);

# A change of configuration is a revision: store_change.c raises the generation,
# and besides it what no operator does.
none('the generation is raised by revisions', grep { !m{common/state/(?:
    store_change|store_prices|store_refusal)\.c:}x } grep_lines(
    qr/meta SET generation/, @files));

# --- the web UI's texts ------------------------------------------------------------

my ($zh) = slurp('admind/ui/zh.js');
my %zh;
$zh{$1}++ while $zh =~ /'((?:[^'\\]|\\.)*)': '/g;
none('a text has one translation', grep { $zh{$_} > 1 } sort keys %zh);
my %said = map { $_ => 1 } map { slurp($_) =~ /\bt\('((?:[^'\\]|\\.)*)'/g }
    glob('admind/ui/*.js admind/ui/pages/*.js');
none('each text of a page has a translation', grep { !$zh{$_} }
    sort keys %said);

# --- lists and guards -------------------------------------------------------------

# Names of a directory stand behind its name in the Makefile, in addprefix.
my $make = $text{Makefile} =~ s/\\\n//gr;
my %listed = ('t/replay.c' => 1);
while ($make =~ /\$\(addprefix ([\w\/]+\/),([^)]*)\)/g) {
	my $dir = $1;
	$listed{"$dir$_"} = 1 for split ' ', $2;
}
none('every source is in a list of the Makefile', grep { /\.c$/ &&
    !$listed{$_} && $_ !~ m{^t/[^/]+$} } @files, @tests);
none('every source in a list is there', grep { /\.c$/ && !-f } sort
    keys %listed);

for my $f (grep { /\.h$/ } @files) {
	my $guard = uc $f =~ s{^common/}{}r =~ s{^(\w+)/\1\.}{$1.}r =~
	    s{[/.]}{_}gr;
	like($text{$f}, qr{\A(?:/\*.*?\*/\s*)?\#ifndef\ $guard\n
	    \#define\ $guard\n.*\#endif\ /\*\ $guard\ \*/\n\z}xs,
	    "$f is guarded by $guard");
}

done_testing;
