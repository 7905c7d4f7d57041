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
	$c =~ s{/\*.*?\*/}{}gs;
	while ($c =~ /'(?:\\.|[^'\\])'|((?:"(?:\\.|[^"\\])*+"\s*+)+)/g) {
		push @l, join '', $1 =~ /"((?:\\.|[^"\\])*)"/g if defined $1;
	}
	return map { s/\\"/"/gr } map { s/%(?:\.\*)?(?:ll|z)?[a-z]/{}/gr } @l;
}

my (%all, %wanted);
for my $file (@must, @may) {
	my $c = slurp($file);
	$all{$_} = 1 for literals($c);
	next unless grep { $_ eq $file } @must;
	my $calls = join '|', @calls;
	while ($c =~ /\b(?:$calls)\s*(\((?:[^()"]++|"(?:\\.|[^"\\])*+"|(?1))*\))/g)
	    {
		# A member's name, or a piece of a text, is none.
		$wanted{$_} = $file for grep { / \S/ && !/^the proxy$| $/ }
		    literals($1);
	}
}
my %js;
my $source = slurp('admind/ui/problems.js') =~
    /export const problems = \{(.*?)\n\};/s ? decode_utf8($1) : '';
$source =~ s{^\s*//.*$}{}mg;
while ($source =~ /'((?:\\.|[^'\\])*)': '((?:\\.|[^'\\])*)'/g) {
	my ($en, $zh) = map { s/\\'/'/gr } $1, $2;
	ok(!exists $js{$en}, "'$en' is there once") if exists $js{$en};
	$js{$en} = $zh;
}
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

SKIP: {
	skip 'no node', 4 if system('node --version >/dev/null 2>&1') != 0;
	my @try = ('is missing', 'there is no provider \'x{}$1\'',
	    'must be a whole number from 0 to 9', 'what nobody translates');
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
}
done_testing;
