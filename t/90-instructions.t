#!/usr/bin/perl

# What a translation costs, and choosing a rule of 1,000 and a key of 100, in
# instructions of our own code, which unlike time do not depend on what else the
# machine does.  They are held to those written down in t/bench/instructions
# within 5 %, both ways: a gain is to be written down as well.  BASELINE=write
# rewrites that file.

use strict;
use warnings;
use lib 't/bench';
use Bodies;
use File::Temp 'tempdir';
use Gateway;
use Test::More;

my $build = $ENV{BUILDDIR} // 'build/opt';
my $pure = "$build/bench/pure";
my $file = 't/bench/instructions';
my $dir = tempdir(CLEANUP => 1);
my @dialects = dialects();

plan skip_all => "$build: only the optimised build is counted"
    unless $build =~ m{/opt$};
plan skip_all => "$pure is not built" unless -x $pure;
plan skip_all => 'valgrind is not installed'
    unless `valgrind --version 2>/dev/null`;

plan skip_all => 'counted on a processor with AVX2'
    unless grep { /^flags.*\bavx2\b/ } do {
	open my $f, '<', '/proc/cpuinfo' or die $!;
	<$f>;
    };

sub slurp {
	open my $f, '<', $_[0] or return '';
	local $/;
	return scalar <$f> // '';
}

sub spew {
	my ($name, $bytes) = @_;

	open my $f, '>', "$dir/$name" or die "$dir/$name: $!";
	print $f $bytes;
	close $f or die "$dir/$name: $!";
	return "$dir/$name";
}

# A stream of 1,000 deltas in Anthropic's dialect, the others' made from it.
sub stream {
	my $out = '';
	my $event = sub {
		my ($type, $json) = @_;

		$out .= "event: $type\ndata: {\"type\":\"$type\"$json}\n\n";
	};

	$event->('message_start', ',"message":{"id":"msg_1","type":"message",'
	    . '"role":"assistant","model":"m","content":[],"stop_reason":null,'
	    . '"stop_sequence":null,"usage":{"input_tokens":9,'
	    . '"output_tokens":1}}');
	$event->('content_block_start', ',"index":0,"content_block":{"type":'
	    . '"text","text":""}');
	$event->('content_block_delta', ',"index":0,"delta":{"type":'
	    . "\"text_delta\",\"text\":\" word $_\"}") for 1 .. 1000;
	$event->('content_block_stop', ',"index":0');
	$event->('message_delta', ',"delta":{"stop_reason":"end_turn",'
	    . '"stop_sequence":null},"usage":{"output_tokens":1000}');
	$event->('message_stop', '');
	return $out;
}

# Instructions of the program itself: which memcpy the C library takes depends
# on the processor.
sub own_of {
	my ($program, $n, @args) = @_;
	my ($ours, $skip, $sum, %name) = (0, 0, 0);

	system("valgrind --tool=callgrind --callgrind-out-file=$dir/out "
	    . "$build/bench/$program -n $n @args >$dir/said 2>&1") == 0
	    or die slurp("$dir/said");
	for (split /\n/, slurp("$dir/out")) {
		if (/^ob=\((\d+)\)(?: (.*))?/) {
			$name{$1} = $2 if defined $2;
			$ours = $name{$1} =~ m{/$program$};
		} elsif (/^cob=\((\d+)\) (.*)/) {
			$name{$1} = $2;
		} elsif (/^calls=/) {
			$skip = 1;
		} elsif (/^[-+*\d]\S* (\d+)$/) {
			$sum += $1 if $ours && !$skip;
			$skip = 0;
		}
	}
	return $sum;
}

sub each_costs { int((own_of('pure', 3, @_) - own_of('pure', 1, @_)) / 2) }
sub each_takes { int((own_of('decide', 101, @_) -
    own_of('decide', 1, @_)) / 100) }

# A home with 1,000 models, rules and tenants, and 100 keys.
sub home {
	my $g = Gateway->new(config => <<"EOT");
PROVIDERS:
  p: { dialect: openai-chat, base_url: "http://127.0.0.1:1",
    keys: [ @{[ join ', ', map { "key-$_" } 1 .. 100 ]} ] }
MODELS:
@{[ join '', map { "  - { route_key: m-$_, target_model: x, provider: p }\n" }
    1 .. 1000 ]}
EOT
	system("$build/bench/tenants $g->{home} 1000 >/dev/null") == 0
	    or die 'tenants';
	$g->stop;
	return $g;
}

my ($compiler) = `readelf -p .comment $pure 2>/dev/null` =~ /((?:GCC|clang).*)/;
my %was = map { /^(\S+ \S+) (\d+)$/ ? ($1 => $2) : () }
    split /\n/, slurp($file);
my ($then) = slurp($file) =~ /^# (.*)$/m;
my $write = ($ENV{BASELINE} // '') eq 'write';

plan skip_all => 'counted with ' . ($then // 'nothing') . ', not with '
    . ($compiler // 'an unknown compiler')
    if !$write && ($compiler // '') ne ($then // '');

my %now;
my $body = spew('body', agent_body('canned', 1));
spew('anthropic', stream());
for my $to (grep { $_ ne 'anthropic' } @dialects) {
	$now{"request anthropic>$to"} = each_costs('anthropic', $to, $body);
	$now{"stream anthropic>$to"} = each_costs('-s', 'anthropic', $to,
	    "$dir/anthropic");
	spew($to, scalar `$build/bin/proxyctl convert --response --from anthropic --to $to --stream <$dir/anthropic`);
	$now{"stream $to>anthropic"} = each_costs('-s', $to, 'anthropic',
	    "$dir/$to");
}
my $g = home();
$now{'route rules'} = each_takes('route', $g->{home}, 'm-1000');
$now{'pick keys'} = each_takes('pick', $g->{home}, 'p');
$g->finish;
if ($write) {
	open my $f, '>', $file or die "$file: $!";
	print $f "# $compiler\n", map { "$_ $now{$_}\n" } sort keys %now;
	close $f or die "$file: $!";
	%was = %now;
}
for (sort keys %now) {
	my $ratio = $now{$_} / ($was{$_} // 1);

	ok($ratio > 0.95 && $ratio < 1.05, "$_: $now{$_} instructions, "
	    . sprintf('%+.1f %%', ($ratio - 1) * 100));
}

# Time as well, with room for a machine that does other things.
for my $to (grep { $_ ne 'anthropic' } @dialects) {
	my ($body_us) = `$pure -n 100 anthropic $to $body` =~ /([\d.]+) us/;
	my ($event_us) = `$pure -s -n 20 anthropic $to $dir/anthropic` =~
	    /([\d.]+) us/;

	cmp_ok($body_us, '<', 1000, "a body to $to costs at most 1 ms");
	cmp_ok($event_us, '<', 2, "an event to $to costs at most 2 us");
}
done_testing;
