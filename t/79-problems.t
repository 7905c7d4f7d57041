#!/usr/bin/perl

# The Chinese texts of problems: each literal that the sources can answer with is
# there, each that is there is in the sources, and what stands in a text comes
# out in the translation.

use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8);
use JSON::PP;
use Test::More;

binmode(Test::More->builder->$_, ':utf8') for qw(output failure_output);

# Whose literals are answers for people, and where those are made.
my @calls = qw(api_problem object_fail bad_value refuse rule_fail conf_fail);
my @must = (glob('admind/*.c'), map {
    "common/state/$_.c" } qw(object_field object_sealed store_object
    store_tenants store_prices rules));
my @may = qw(common/state/conf_value.c
    common/state/store_settings.c common/state/store_admin.c
    common/state/status_view.c
    common/state/conf.c);

sub slurp {
	my ($file) = @_;
	open my $f, '<', $file or die "$file: $!";
	local $/;
	return scalar <$f>;
}

# C's literals, those side by side as one, %s and the like as {}.
sub literals {
	my ($c) = @_;
	my @l;
	$c =~ s{("(?:\\.|[^"\\\n])*")|/\*.*?\*/}{$1 // ''}gse;
	while ($c =~ /'(?:\\.|[^'\\])'|((?:"(?:\\.|[^"\\])*+"\s*+)+)/g) {
		push @l, join '', $1 =~ /"((?:\\.|[^"\\])*)"/g if defined $1;
	}
	return map { s/\\"/"/gr } map { s/%(?:\.\*)?(?:ll|z)?[a-z]/{}/gr } @l;
}

# The arguments of calls of these functions.
sub arguments {
	my ($c, $calls) = @_;
	my @a;
	push @a, $1 while $c =~
	    /\b(?:$calls)\s*(\((?:[^()"]++|"(?:\\.|[^"\\])*+"|(?1))*\))/g;
	return @a;
}

# The table of a file of the UI.
sub table {
	my ($file, $name) = @_;
	my %js;
	my $source = slurp($file) =~ /export const $name = \{(.*?)\n\};/s ?
	    decode_utf8($1) : '';

	$source =~ s{^\s*//.*$}{}mg;
	while ($source =~ /'((?:\\.|[^'\\])*)': '((?:\\.|[^'\\])*)'/g) {
		my ($en, $zh) = map { s/\\'/'/gr } $1, $2;
		fail("'$en' is there twice") if exists $js{$en};
		$js{$en} = $zh;
	}
	return %js;
}

my (%all, %wanted);
for my $file (@must, @may) {
	my $c = slurp($file);
	$all{$_} = 1 for literals($c);
	next unless grep { $_ eq $file } @must;
	for my $call (arguments($c, join '|', @calls)) {
		# A member's name, or a piece of a text, is none.
		$wanted{$_} = $file for grep { / \S/ && !/^the proxy$| $/ }
		    literals($call);
	}
}
my %js = table('admind/ui/problems.js', 'problems');
cmp_ok(scalar keys %js, '>', 150, 'texts are found');
cmp_ok(scalar keys %wanted, '>', 80, 'and problems');

# Passed on from elsewhere, as they are.
my %passed = map { $_ => 1 } '{}: {}', '\'{}\' {}', '{}{}{} {}',
    '{}{} is as it is shown, not as it is: give the whole value';
for (sort keys %wanted) {
	ok(exists $js{$_} || $passed{$_}, "'$_' has a translation")
	    or diag "$wanted{$_}: add it to admind/ui/problems.js";
}
# Put together of two.
my %made = map { $_ => 1 } "unknown parameter '{}': allowed are {}",
    'the value of {} is as it is shown, not as it is: ' .
    'give the whole value', 'the proxy is as it is shown, not as it is: ' .
    'give the whole value', "'{}' is a header that the gateway sets itself",
    "'{}' is no name of a header";
for (sort keys %js) {
	ok($all{$_} || $made{$_}, "'$_' is still said") or diag
	    'take it out of admind/ui/problems.js, or mend it';
	is(() = $js{$_} =~ /\{\d?\}/g, () = /\{\}/g, '... with all that ' .
	    'stands in it');
}

# --- what proxyd says: losses, attempts, why it refused -----------------------------

# In the files that report losses a text of several words is a reason, but for
# those that are patterns, errors of streams, or told to models.
my %no_loss = map { $_ => 1 } 'a string', 'a string or an array of tokens',
    'a whole number above 0', 'an empty one', 'an object', 'cannot both',
    'cannot both be specified', 'are not supported', 'does not support',
    'encrypted content', 'error: the tool gave no result',
    'expected parts that hold text', "expected 'float' or 'base64'",
    'extra inputs are not permitted', 'is deprecated for',
    'is not configurable', 'is not enabled for', 'is not supported',
    'is unsupported', "level '", 'media resolution', 'must be verified',
    'must be verified to generate reasoning summaries', 'not supported by',
    'not supported with', 'stop sequences', 'supported values are',
    'the list is empty', 'thinking budget', 'thinking level', 'unknown name',
    'unknown parameter', 'unrecognized request argument',
    'unsupported parameter', 'unsupported value';
my (%says, %spoken);
for my $file (glob('common/wire/*.c'), 'proxyd/request_op.c') {
	my $c = slurp($file);
	$spoken{$_} = 1 for literals($c);
	next unless $c =~ /\bLOSS_(?:IGNORED|APPROX|DROPPED|REFUSED)/ ||
	    $file =~ /_format\.c|answer_loss/;
	for (literals($c)) {
		$says{$_} = $file if /^[a-z0-9][^\\:]* [^\\]*[^ :\[]$/ &&
		    !/\{\}/ && !$no_loss{$_};
	}
}

# The errors of the gateway, as the log has them; control.c's are proxyctl's.
my $errors = 'ir_error_set|[a-z_]*(?:_fail|_denied|_end|_ended)';
for my $file (grep { !/control\.c/ } glob('proxyd/*.c'),
    map { "common/policy/$_.c" } qw(access account_limit permit
    route_target)) {
	my $c = slurp($file);
	$c =~ s/\bTARGET\b/"x-proxyd-target"/g;
	$c =~ s/\bKEY\b/"x-proxyd-key"/g;
	$spoken{$_} = 1 for literals($c);
	for my $call (arguments($c, $errors)) {
		$says{$_} = $file for grep { / \S/ && !/ $/ } literals($call);
	}
	next if $file !~ m{policy/(?:access|permit)\.c|admit\.c};
	$says{$_} = $file for grep { / \S/ } map { literals($_) }
	    $c =~ /return ((?:"(?:\\.|[^"\\])*"\s*)+);/g;
}
# What is wrong with a provider's HTTP.
for my $file (qw(common/wire/http1.c proxyd/http_conn.c)) {
	$says{$_} = $file for grep { /^(?:its?|an?|the) \S+ \S/ &&
	    !/\{\}|\\/ } literals(slurp($file));
}
delete $says{'an answer\'s head'};	# of fatal()
$spoken{$_} = 1 for literals(slurp('common/state/daemon_status.c')),
    literals(slurp('common/policy/route_explain.c'));
# How attempts end.
my ($why) = slurp('proxyd/request_try.c') =~ /^try_why\(.*?^\}/msg;
$says{$_} = 'proxyd/request_try.c' for literals($why);
for my $file (glob('proxyd/*.c')) {
	$spoken{$_} = 1 for literals(slurp($file));
	$says{$_} = $file for map { literals($_) } arguments(slurp($file),
	    'try_end|request_done');
}
# Said to programs alone, or in a text that is there as a whole.
delete @says{'is not known to any name server', 'a header of the request cannot be written', 'the mock',
    "this client key may not use route '{}'"} ;
my %said = table('admind/ui/said.js', 'said');
cmp_ok(scalar keys %said, '>', 300, 'what proxyd says is found');
cmp_ok(scalar keys %says, '>', 300, '... on both sides');
for (sort keys %says) {
	ok(exists $said{$_} || exists $js{$_}, "'$_' has a translation") or
	    diag "$says{$_}: add it to admind/ui/said.js, or to the " .
	    'exceptions here';
}
for (sort keys %said) {
	ok($spoken{$_}, "'$_' is still said") or
	    diag 'take it out of admind/ui/said.js, or mend it';
	is(() = $said{$_} =~ /\{\d?\}/g, () = /\{\}/g, '... with all that ' .
	    'stands in it');
}

SKIP: {
	skip 'no node', 7 if system('node --version >/dev/null 2>&1') != 0;
	my @try = ('is missing', 'there is no provider \'x{}$1\'',
	    'must be a whole number from 0 to 9', 'what nobody translates',
	    "provider 'ok' cannot be reached: it reset the connection",
	    "the day budget of tenant 'done' is spent, or would be by this " .
	    'request', 'constructor');
	open my $p, '-|', 'node', '--input-type=module', '-e', 'import { ' .
	    "inChinese } from './admind/ui/problems.js';" .
	    'console.log(JSON.stringify(' . encode_json(\@try) .
	    '.map((x) => inChinese(x))))' or die;
	my $got = decode_json(do { local $/; <$p> });
	close $p;
	is($got->[0], '不能缺少', 'one without values');
	is($got->[1], '提供商“x{}$1”不存在', 'one with a name, as it is');
	is($got->[2], '必须是 0 到 9 的整数', 'one with numbers');
	is($got->[3], 'what nobody translates', 'else as it came');
	is($got->[4], '提供商“ok”无法连接：重置了连接', 'a text in a text, ' .
	    'and a name that is a word, too');
	is($got->[5], '租户“done”的每日预算已用尽，或将被此请求用尽',
	    'in another order');
	is($got->[6], 'constructor', 'what every object has is no text');
}
done_testing;
